/**
 * What waits in an effect runner, and in which order it may start: one message of a key at a time, in the order of their
 * offsets, and organisations in turn.
 */
import { enter } from './effect-state.ts';
import type { Item } from './effect-tracker.ts';

export type KeyQueue = {
  readonly add: (key: string, item: Item) => void;
  /** Up to `count` items whose keys are free, one of each organisation in turn; each of them makes its key busy. */
  readonly take: (count: number) => { key: string; item: Item }[];
  /** The key's item is done: the next one of the key may be taken. */
  readonly release: (key: string) => void;
  /** Takes out everything that has not been taken and matches. */
  readonly drop: (matches: (item: Item) => boolean) => number;
  readonly size: () => number;
};

type Entry = { readonly key: string; readonly item: Item };

export function createKeyQueue(): KeyQueue {
  /** A key is here while it has waiting or running work; the first item of a free key stands in `ready`. */
  const waiting = new Map<string, Item[]>();
  const ready = createTurns();
  let count = 0;
  return {
    add(key, item) {
      count += 1;
      const queue = waiting.get(key);
      if (queue === undefined) {
        waiting.set(key, []);
        ready.add({ key, item });
      } else queue.push(item);
    },
    take(wanted) {
      const taken = ready.take(wanted);
      count -= taken.length;
      return taken;
    },
    release(key) {
      const next = waiting.get(key)?.shift();
      if (next === undefined) waiting.delete(key);
      else ready.add({ key, item: next });
    },
    drop(matches) {
      const before = count;
      for (const [key, queue] of waiting) {
        for (const item of queue) if (matches(item)) enter(item, 'dropped');
        waiting.set(
          key,
          queue.filter((item) => !matches(item)),
        );
      }
      for (const { key, item } of ready.drop(matches)) {
        enter(item, 'dropped');
        const next = waiting.get(key)?.shift();
        if (next === undefined) waiting.delete(key);
        else ready.add({ key, item: next });
      }
      count = ready.size() + [...waiting.values()].reduce((sum, queue) => sum + queue.length, 0);
      return before - count;
    },
    size: () => count,
  };
}

/** What belongs to no organisation (bytes that are not an event) has a turn like one. */
const orgOf = ({ work }: Item): string => ('event' in work ? work.event.orgId : '');

/**
 * What may start, organisation by organisation. The map's own order is the order of turns: who was served goes to its end,
 * so ten messages of one organisation pass among the hundreds of another that were fetched with them, not behind them.
 *
 *   turns:  acme [a1 a2 a3 ..]  bolt [b1]          taken, three at a time:  a1 b1 a2 | a3 ..
 */
function createTurns() {
  const turns = new Map<string, Entry[]>();
  return {
    add(entry: Entry): void {
      const org = orgOf(entry.item);
      const own = turns.get(org);
      if (own === undefined) turns.set(org, [entry]);
      else own.push(entry);
    },
    take(wanted: number): Entry[] {
      const taken: Entry[] = [];
      for (const [org, own] of turns) {
        if (taken.length >= wanted) break;
        const first = own.shift();
        if (first !== undefined) taken.push(first);
        // Put back at the end, where this loop comes by again.
        turns.delete(org);
        if (own.length > 0) turns.set(org, own);
      }
      return taken;
    },
    drop(matches: (item: Item) => boolean): Entry[] {
      const all = [...turns];
      turns.clear();
      return all.flatMap(([org, own]) => {
        const kept = own.filter(({ item }) => !matches(item));
        if (kept.length > 0) turns.set(org, kept);
        return own.filter(({ item }) => matches(item));
      });
    },
    size: () => [...turns.values()].reduce((sum, own) => sum + own.length, 0),
  };
}
