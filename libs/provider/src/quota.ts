/**
 * How many requests a provider gets from us, over all replicas: fixed windows in Redis, from which each replica takes
 * small blocks, so that thousands of calls a second cost tens of round trips. Without Redis each replica keeps to its
 * own share. A window starts with its first request; two windows that touch can let twice the rate through in a
 * moment, which providers that count the same way do as well.
 */
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Redis } from './redis.ts';
import { settled } from './redis.ts';

export type QuotaOptions = {
  readonly perSecond?: number;
  readonly perMinute?: number;
  /** Whose windows they are, where one provider counts several accounts apart. Never the key itself: it stands in Redis. */
  readonly account?: string;
  /** Shared by the replicas; `null` or absent: each replica alone keeps to its share. */
  readonly redis?: Redis | null;
  /** Replicas that share the quota; each one's share while Redis is away is the quota divided by it. Default 1. */
  readonly replicas?: number;
  /** Called when Redis stops or starts to answer. */
  readonly onShared?: (shared: boolean) => void;
};

export type Quota = {
  /** 0: go ahead, a request has been taken off. Otherwise the milliseconds to wait before asking again. */
  readonly take: () => number | Promise<number>;
};

/** After a failure Redis is left alone for this long: waiting for it would cost each call half a second. */
const REDIS_PAUSE_MS = 1_000;

/** `null` when there is no limit: then not even a function call stands between a call and the provider. */
export function createQuota(name: string, options: QuotaOptions, now: () => number): Quota | null {
  const { perSecond, perMinute, account } = options;
  const counted = account === undefined ? name : `${name}:${account}`;
  const windows: Window[] = [];
  // the shorter window first: it is the one that fills, and a refusal by the second one hands the request back
  if (perSecond !== undefined) windows.push(new Window(counted, perSecond, 1, options, now));
  if (perMinute !== undefined) windows.push(new Window(counted, perMinute, 60, options, now));
  const [first, second] = windows;
  if (first === undefined) return null;
  if (second === undefined) return { take: () => first.take() };
  return {
    take: async () => {
      const firstMs = await first.take();
      if (firstMs > 0) return firstMs;
      const secondMs = await second.take();
      if (secondMs > 0) first.giveBack();
      return secondMs;
    },
  };
}

/** One limit. `stock` is what this replica has taken from the window and not used; it dies with the window. */
class Window {
  readonly #name: string;
  readonly #now: () => number;
  readonly #points: number;
  readonly #localPoints: number;
  readonly #redis: Redis | null;
  readonly #shared: RateLimiterRedis | null;
  readonly #local: RateLimiterMemory;
  readonly #onShared: (shared: boolean) => void;
  #stock = 0;
  #stockUntil = 0;
  #emptyUntil = 0;
  #sharedAgainAt = 0;
  #isShared = true;
  #refilling: Promise<void> | null = null;

  constructor(name: string, points: number, seconds: number, options: QuotaOptions, now: () => number) {
    this.#name = name;
    this.#now = now;
    this.#points = points;
    this.#localPoints = Math.max(1, Math.floor(points / (options.replicas ?? 1)));
    const basics = { keyPrefix: `leadflood:quota:${seconds}s`, duration: seconds };
    const redis = options.redis ?? null;
    this.#redis = redis;
    this.#shared =
      redis === null
        ? null
        : new RateLimiterRedis({ ...basics, points, storeClient: redis, rejectIfRedisNotReady: true });
    this.#local = new RateLimiterMemory({ ...basics, points: this.#localPoints });
    this.#onShared = options.onShared ?? (() => {});
  }

  take(): number | Promise<number> {
    return this.#takeNow() ?? this.#takeLater();
  }

  giveBack(): void {
    if (this.#now() < this.#stockUntil) this.#stock += 1;
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
    if (this.#shared !== null && this.#now() >= this.#sharedAgainAt) {
      try {
        // a replica that has just started would use up its local share and then find the shared window untouched
        if (this.#redis !== null) await settled(this.#redis);
        await this.#reserve(this.#shared, this.#points);
        this.#tell(true);
        return;
      } catch {
        // Redis is away, which it may be: the share of one replica is kept to instead, and `onShared` tells.
        this.#sharedAgainAt = this.#now() + REDIS_PAUSE_MS;
        this.#tell(false);
      }
    }
    await this.#reserve(this.#local, this.#localPoints);
    // an empty share of our own says nothing of the shared window: look again as soon as Redis may be back
    if (this.#shared !== null) this.#emptyUntil = Math.min(this.#emptyUntil, this.#sharedAgainAt);
  }

  /** Takes a block: a twentieth of the window and 50 at most, so that what other replicas cannot use stays small. */
  async #reserve(limiter: RateLimiterRedis | RateLimiterMemory, points: number): Promise<void> {
    const block = Math.max(1, Math.min(50, Math.floor(points / 20)));
    const answer = await limiter.consume(this.#name, block).catch((refusal: unknown) => {
      // a full window is answered by rejecting with the counters; anything else is a real fault
      if (refusal instanceof RateLimiterRes) return refusal;
      throw refusal;
    });
    // the last block of a window may be granted in part: what was counted beyond the limit is not ours
    const granted = Math.max(0, Math.min(block, points - (answer.consumedPoints - block)));
    const until = this.#now() + Math.max(1, answer.msBeforeNext);
    this.#stock = granted;
    if (granted > 0) this.#stockUntil = until;
    else this.#emptyUntil = until;
  }

  #tell(shared: boolean): void {
    if (shared !== this.#isShared) this.#onShared(shared);
    this.#isShared = shared;
  }
}
