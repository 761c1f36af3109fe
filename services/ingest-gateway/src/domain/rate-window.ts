/**
 * Fixed windows with block reservations, as arithmetic: a replica takes a block of the shared count and serves from it,
 * so that one round trip pays for many requests. What a replica has taken and not used dies with the window.
 *
 *      shared count   0 ────────────────────────── limit
 *                     │ others │ block of ours │ free │
 */

export type Limit = { readonly max: number; readonly seconds: number };

export type Window = {
  readonly start: number;
  /** Requests that may pass before the next block is needed. */
  readonly stock: number;
  /** The shared count as last seen. */
  readonly taken: number;
};

export type Verdict = {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  readonly resetAt: number;
};

export const windowStart = (limit: Limit, now: number): number => now - (now % (limit.seconds * 1_000));
export const windowEnd = (limit: Limit, start: number): number => start + limit.seconds * 1_000;

/** A twentieth of the window at most, so that what other replicas cannot use stays small. */
export const blockSize = (limit: Limit): number => Math.max(1, Math.min(1_000, Math.floor(limit.max / 20)));

export const freshWindow = (limit: Limit, now: number): Window => ({
  start: windowStart(limit, now),
  stock: 0,
  taken: 0,
});

export const isCurrent = (window: Window, limit: Limit, now: number): boolean =>
  window.start === windowStart(limit, now);

/** `taken`: the shared count after the block was added. The last block may be granted in part. */
export function reserve(window: Window, limit: Limit, block: number, taken: number): Window {
  const granted = Math.max(0, Math.min(block, limit.max - (taken - block)));
  return { ...window, stock: window.stock + granted, taken: Math.max(window.taken, taken) };
}

export const needsBlock = (window: Window, limit: Limit): boolean => window.stock === 0 && window.taken < limit.max;

export function take(window: Window, limit: Limit): { readonly window: Window; readonly verdict: Verdict } {
  const allowed = window.stock > 0;
  const next = allowed ? { ...window, stock: window.stock - 1 } : window;
  const remaining = next.stock + Math.max(0, limit.max - next.taken);
  return { window: next, verdict: { allowed, limit: limit.max, remaining, resetAt: windowEnd(limit, window.start) } };
}

/** Of several verdicts the one that a client must heed: a refusal, else the least that is left. */
export function strictest(verdicts: readonly Verdict[]): Verdict | null {
  return verdicts.reduce<Verdict | null>((strict, verdict) => {
    if (strict === null || (strict.allowed && !verdict.allowed)) return verdict;
    if (!strict.allowed && verdict.allowed) return strict;
    return verdict.remaining < strict.remaining ? verdict : strict;
  }, null);
}
