/**
 * Order for work with the outside world: bounded in flight over all keys, one at a time within a key, organisations in
 * turn, and per partition the prefix of finished messages that its position may advance to.
 *
 *   partition 3:   next=40   [40 ✓][41 ..][42 ✓][43 ✓][44 ..]
 *   after a commit:          next=41, finished={42,43}      a restart repeats 41 and 44, not 42 and 43
 */
import type { RawRecord } from '@lead-flood/kafka';
import { planted } from '@lead-flood/kernel';
import type { Advance, Position } from '@lead-flood/postgres';
import type { DecodedInput, Passed, Refused } from './decode.ts';
import type { Owned } from './ownership.ts';

export type Tracker = {
  readonly topic: string;
  readonly partition: number;
  readonly place: Owned;
  /** Offsets taken in and not yet behind the position, ascending. */
  outstanding: number[];
  /** Records below this offset may have been tried by an earlier owner and have entries in the journal. */
  readonly historyUntil: number;
};

export type Item = {
  readonly record: RawRecord;
  readonly tracker: Tracker;
  readonly work: DecodedInput | Refused | Passed;
};

/** Where the partition may move to when `done` is finished; changes nothing. */
export function advanceOf(tracker: Tracker, done: readonly number[]): Advance {
  const finished = new Set([...tracker.place.finished, ...done]);
  let nextOffset = tracker.place.nextOffset;
  for (const offset of tracker.outstanding) {
    if (!finished.delete(offset) && !planted('skip-open-message')) break;
    nextOffset = offset + 1;
  }
  const { topic, partition, place } = tracker;
  return {
    topic,
    partition,
    epoch: place.epoch,
    expectedOffset: place.nextOffset,
    nextOffset,
    finished: [...finished].toSorted((a, b) => a - b),
  };
}

export function settleAdvance(tracker: Tracker, advance: Advance): void {
  tracker.place.nextOffset = advance.nextOffset;
  tracker.place.finished = new Set(advance.finished);
  const firstOpen = tracker.outstanding.findIndex((offset) => offset >= advance.nextOffset);
  tracker.outstanding = firstOpen === -1 ? [] : tracker.outstanding.slice(firstOpen);
}

/**
 * Partitions that are not where we left them: another owner has taken them, or our own commit took place though its
 * answer was lost. Either way what we hold of them is out of date.
 */
export function lostTrackers(trackers: readonly Tracker[], rows: ReadonlyMap<string, Position>): Set<Tracker> {
  return new Set(
    trackers.filter(({ topic, partition, place }) => {
      const row = rows.get(`${topic}/${partition}`);
      return row?.epoch !== place.epoch || row.nextOffset !== place.nextOffset;
    }),
  );
}

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
      if (queue === undefined || planted('no-order-within-key')) {
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
      for (const [key, queue] of waiting)
        waiting.set(
          key,
          queue.filter((item) => !matches(item)),
        );
      for (const { key } of ready.drop(matches)) {
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
