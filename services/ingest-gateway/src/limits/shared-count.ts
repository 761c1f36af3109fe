/** The count that replicas share, in Redis. After a failure it is left alone for a second: a wait per request would be worse. */
import type { Redis } from '@lead-flood/provider';
import type { SharedCount } from './rate-limiter.ts';

const PAUSE_MS = 1_000;
/** Replicas whose clocks differ a little must still find the key. */
const GRACE_MS = 1_000;

export const noSharedCount: SharedCount = () => Promise.resolve(null);

export function createSharedCount(redis: Redis, now: () => number): SharedCount {
  let awayUntil = 0;
  return async (key, block, endsInMs) => {
    if (now() < awayUntil) return null;
    try {
      const name = `leadflood:gateway:limit:${key}`;
      const answers = await redis
        .multi()
        .incrby(name, block)
        .pexpire(name, Math.max(1, endsInMs) + GRACE_MS)
        .exec();
      const sum = answers?.[0]?.[1];
      return typeof sum === 'number' ? sum : null;
    } catch {
      // Redis may be away: the declared answer is to count alone, and its client logs the outage once.
      awayUntil = now() + PAUSE_MS;
      return null;
    }
  };
}
