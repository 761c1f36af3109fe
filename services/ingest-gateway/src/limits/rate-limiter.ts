/**
 * Rate limits of many keys, shared by the replicas through Redis: one round trip per block of requests, none while the
 * block lasts. With Redis away each replica keeps to the limit alone (decision C-15).
 */
import type { Limit, Verdict, Window } from '../domain/rate-window.ts';
import { blockSize, freshWindow, isCurrent, needsBlock, reserve, take, windowEnd } from '../domain/rate-window.ts';

/** The shared count: adds to a key that ends by itself, and answers the sum. Null: there is none, or it is away. */
export type SharedCount = (key: string, block: number, endsInMs: number) => Promise<number | null>;

export type RateLimiter = { readonly take: (key: string, limit: Limit) => Promise<Verdict> };

const KEYS_MAX = 50_000;

type Entry = { window: Window; limit: Limit; refilling: Promise<void> | null };

export function createRateLimiter(addShared: SharedCount, now: () => number): RateLimiter {
  const entries = new Map<string, Entry>();

  function entryOf(key: string, limit: Limit): Entry {
    const known = entries.get(key);
    if (known !== undefined && isCurrent(known.window, limit, now())) return known;
    if (entries.size >= KEYS_MAX) forgetEnded(entries, now());
    const entry: Entry = { window: freshWindow(limit, now()), limit, refilling: null };
    entries.set(key, entry);
    return entry;
  }

  async function refill(key: string, entry: Entry): Promise<void> {
    const { window, limit } = entry;
    const block = blockSize(limit);
    const shared = await addShared(`${key}:${window.start}`, block, windowEnd(limit, window.start) - now());
    // Without the shared count, our own is the whole truth that we have.
    entry.window = reserve(entry.window, limit, block, shared ?? entry.window.taken + block);
  }

  return {
    async take(key, limit) {
      const entry = entryOf(key, limit);
      while (needsBlock(entry.window, limit)) {
        // One refill for all who wait; each round either serves somebody or finds the window empty.
        entry.refilling ??= refill(key, entry).finally(() => {
          entry.refilling = null;
        });
        await entry.refilling;
      }
      const { window, verdict } = take(entry.window, limit);
      entry.window = window;
      return verdict;
    },
  };
}

/** Ended windows first; if a flood of addresses has filled the map with live ones, the oldest tenth goes. */
function forgetEnded(entries: Map<string, Entry>, now: number): void {
  for (const [key, { window, limit }] of entries) if (!isCurrent(window, limit, now)) entries.delete(key);
  if (entries.size < KEYS_MAX) return;
  for (const key of [...entries.keys()].slice(0, KEYS_MAX / 10)) entries.delete(key);
}
