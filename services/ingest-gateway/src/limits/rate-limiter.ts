/** Rate limits of many keys, each a window that the replicas share through Redis; with Redis away each keeps to the limit alone. */
import { LRUCache } from 'lru-cache';
import type { Redis, SharingWindow } from '@lead-flood/provider';
import { createSharingWindows } from '@lead-flood/provider';
import type { Limit, Verdict } from '../domain/rate-window.ts';

export type RateLimiter = { readonly take: (key: string, limit: Limit) => Promise<Verdict> };

/** A flood of addresses makes room for itself among those that have asked longest ago; what Redis has counted stays. */
const KEYS_MAX = 50_000;
const BLOCK_MAX = 1_000;

export function createRateLimiter(redis: Redis | null, now: () => number): RateLimiter {
  const shared = createSharingWindows('limit', { redis }, now);
  const windows = new LRUCache<string, SharingWindow>({ max: KEYS_MAX });
  return {
    async take(key, { max, seconds }) {
      // A caller whose plan changes has another window.
      const name = `${key}/${max}/${seconds}`;
      const window = windows.get(name) ?? shared.open(key, { points: max, seconds, blockMax: BLOCK_MAX });
      windows.set(name, window);
      const waitMs = await window.take();
      return { allowed: waitMs === 0, limit: max, remaining: window.remaining(), resetAt: window.endsAt() };
    },
  };
}
