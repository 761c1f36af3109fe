/**
 * A limit that replicas share: a fixed window in Redis, from which each replica takes small blocks, so that thousands of
 * requests a second cost tens of round trips. Without Redis each replica keeps to a share of its own. A window starts with its
 * first request; two windows that touch can let twice the rate through in a moment.
 *
 *      counted in Redis   0 ────────────────────────── points
 *                         │ others │ block of ours │ free │
 */
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Redis } from './redis.ts';
import { settled } from './redis.ts';

export type SharingLimit = {
  /** Requests of one window, over all replicas. */
  readonly points: number;
  readonly seconds: number;
  /** What this replica alone may let through while there is no Redis; all of it by default. */
  readonly localPoints?: number;
  /** A block is a twentieth of the window, and this at most: what other replicas cannot use stays small. Default 50. */
  readonly blockMax?: number;
};

export type SharingOptions = {
  readonly redis?: Redis | null;
  /** Called when Redis stops or starts to answer. */
  readonly onShared?: (shared: boolean) => void;
};

/** After a failure Redis is left alone for this long: waiting for it would cost each request half a second. */
const REDIS_PAUSE_MS = 1_000;

/** What the windows of one limiter know of Redis together: an outage that one of them meets is none that each has to meet. */
type Link = { readonly redis: Redis; againAt: number; isShared: boolean };

export type SharingWindows = { readonly open: (key: string, limit: SharingLimit) => SharingWindow };

/** `purpose` keeps the counts of different limiters apart; a key is an id or a name, never a secret: it stands in Redis. */
export function createSharingWindows(
  purpose: string,
  { redis = null, onShared = () => {} }: SharingOptions,
  now: () => number,
): SharingWindows {
  const link: Link | null = redis === null ? null : { redis, againAt: 0, isShared: true };
  const counters = new Map<string, RateLimiterRedis>();
  const counterOf = ({ points, seconds }: SharingLimit): RateLimiterRedis | null => {
    if (redis === null) return null;
    const name = `${points}/${seconds}`;
    const basics = { keyPrefix: `leadflood:${purpose}:${seconds}s`, duration: seconds, points };
    const counter =
      counters.get(name) ?? new RateLimiterRedis({ ...basics, storeClient: redis, rejectIfRedisNotReady: true });
    counters.set(name, counter);
    return counter;
  };
  return { open: (key, limit) => new SharingWindow(key, limit, counterOf(limit), link, onShared, now) };
}

/** `stock` is what this replica has taken from the window and not used; it dies with the window. */
export class SharingWindow {
  readonly #key: string;
  readonly #limit: SharingLimit;
  readonly #counter: RateLimiterRedis | null;
  readonly #link: Link | null;
  readonly #onShared: (shared: boolean) => void;
  readonly #now: () => number;
  #stock = 0;
  #stockUntil = 0;
  #emptyUntil = 0;
  #left = 0;
  #local = { taken: 0, until: 0 };
  #refilling: Promise<void> | null = null;

  constructor(
    key: string,
    limit: SharingLimit,
    counter: RateLimiterRedis | null,
    link: Link | null,
    onShared: (shared: boolean) => void,
    now: () => number,
  ) {
    this.#key = key;
    this.#limit = limit;
    this.#counter = counter;
    this.#link = link;
    this.#onShared = onShared;
    this.#now = now;
  }

  /** 0: go ahead, a request has been taken off. Otherwise the milliseconds to wait before asking again. */
  take(): number | Promise<number> {
    return this.#takeNow() ?? this.#takeLater();
  }

  giveBack(): void {
    if (this.#now() < this.#stockUntil) this.#stock += 1;
  }

  /** Of the window, as far as this replica has seen it. */
  remaining(): number {
    return this.#now() < this.#stockUntil ? this.#stock + this.#left : 0;
  }

  endsAt(): number {
    return Math.max(this.#stockUntil, this.#emptyUntil);
  }

  #takeNow(): number | null {
    const now = this.#now();
    if (this.#stock > 0 && now < this.#stockUntil) {
      this.#stock -= 1;
      return 0;
    }
    return now < this.#emptyUntil ? this.#emptyUntil - now : null;
  }

  async #takeLater(): Promise<number> {
    for (;;) {
      // one refill for all who wait; each round either serves somebody or finds the window empty
      this.#refilling ??= this.#refill().finally(() => {
        this.#refilling = null;
      });
      await this.#refilling;
      const taken = this.#takeNow();
      if (taken !== null) return taken;
    }
  }

  async #refill(): Promise<void> {
    const link = this.#link;
    if (this.#counter !== null && link !== null && this.#now() >= link.againAt) {
      try {
        // a replica that has just started would use up its local share and then find the shared window untouched
        await settled(link.redis);
        const block = this.#blockOf(this.#limit.points);
        const { consumedPoints, msBeforeNext } = await consume(this.#counter, this.#key, block);
        this.#grant(block, this.#limit.points, consumedPoints, this.#now() + Math.max(1, msBeforeNext));
        this.#tell(link, true);
        return;
      } catch {
        // Redis is away, which it may be: the share of one replica is kept to instead, and `onShared` tells.
        link.againAt = this.#now() + REDIS_PAUSE_MS;
        this.#tell(link, false);
      }
    }
    this.#takeLocalBlock();
    // an empty share of our own says nothing of the shared window: look again as soon as Redis may be back
    if (link !== null) this.#emptyUntil = Math.min(this.#emptyUntil, link.againAt);
  }

  #takeLocalBlock(): void {
    const points = this.#limit.localPoints ?? this.#limit.points;
    const now = this.#now();
    if (now >= this.#local.until) this.#local = { taken: 0, until: now + this.#limit.seconds * 1_000 };
    const block = this.#blockOf(points);
    this.#local.taken += block;
    this.#grant(block, points, this.#local.taken, this.#local.until);
  }

  #blockOf(points: number): number {
    return Math.max(1, Math.min(this.#limit.blockMax ?? 50, Math.floor(points / 20)));
  }

  #grant(block: number, points: number, counted: number, until: number): void {
    // the last block of a window may be granted in part: what was counted beyond the limit is not ours
    const granted = Math.max(0, Math.min(block, points - (counted - block)));
    this.#stock = granted;
    this.#left = Math.max(0, points - counted);
    if (granted > 0) this.#stockUntil = until;
    else this.#emptyUntil = until;
  }

  #tell(link: Link, shared: boolean): void {
    if (shared !== link.isShared) this.#onShared(shared);
    link.isShared = shared;
  }
}

/** A full window is answered by rejecting with the counters; anything else is a real fault. */
async function consume(counter: RateLimiterRedis, key: string, block: number): Promise<RateLimiterRes> {
  try {
    return await counter.consume(key, block);
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return refusal;
    throw refusal;
  }
}
