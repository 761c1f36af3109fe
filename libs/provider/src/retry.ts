/**
 * Tries a call again within the call: full jitter, and never sooner than the provider asked (Retry-After).
 * Our own thirty lines and not p-retry 9: its delay is computed inside from minTimeout and factor alone, `retryDelay`
 * is read-only and no hook may lengthen it, so Retry-After would need a second sleep that its budget does not see;
 * its jitter is [1, 2] x the delay, which is not full jitter and keeps a herd together.
 */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { TransientError } from '@lead-flood/kernel';

export type RetryOptions = {
  /** Tries after the first one. */
  readonly retriesMax: number;
  /** Ceiling of the first wait; it doubles with every try. */
  readonly baseMs: number;
  /** No ceiling above this. */
  readonly capMs: number;
  /** A longer Retry-After is not waited for here: the call ends, and the message comes back when it is over. */
  readonly retryAfterMsMax: number;
};

/**
 * For the hiccup, not the outage: a call holds one of the few places in flight while it waits, and what fails for longer
 * comes back by a redelivery, which holds none.
 */
export const retryDefaults: RetryOptions = { retriesMax: 2, baseMs: 100, capMs: 2_000, retryAfterMsMax: 1_000 };

/** 0 <= wait < min(cap, base * 2^attempt): the whole range, so that callers who failed together do not return together. */
export function backoffMs(
  attempt: number,
  { baseMs, capMs }: Pick<RetryOptions, 'baseMs' | 'capMs'>,
  random: () => number,
): number {
  return random() * Math.min(capMs, baseMs * 2 ** attempt);
}

/** What to wait before the next try; `null`: give up. `attempt` counts from 0. */
export function nextDelayMs(
  error: TransientError,
  attempt: number,
  options: RetryOptions,
  random: () => number,
): number | null {
  if (attempt >= options.retriesMax) return null;
  const backoff = backoffMs(attempt, options, random);
  const asked = error.retryAfterMs;
  if (asked === null) return backoff;
  // beyond what was asked, never before it; the jitter keeps the end of a pause from becoming a burst
  return asked > options.retryAfterMsMax ? null : asked + backoff;
}

export type Retried<T> = {
  readonly attempt: (attempt: number) => Promise<T>;
  /** Whether trying again could help and cannot do harm. */
  readonly mayRetry: (error: TransientError) => boolean;
  readonly options: RetryOptions;
  readonly signal: AbortSignal;
  readonly random?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
};

const sleepAbortably = (ms: number, signal: AbortSignal): Promise<unknown> => sleepFor(ms, undefined, { signal });

/** Throws the last error: it says more than "given up" when the caller's signal ends the wait. */
export async function retry<T>({
  attempt,
  mayRetry,
  options,
  signal,
  random = Math.random,
  sleep = sleepAbortably,
}: Retried<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt(tries);
    } catch (error) {
      if (!(error instanceof TransientError) || signal.aborted || !mayRetry(error)) throw error;
      const delayMs = nextDelayMs(error, tries, options, random);
      if (delayMs === null) throw error;
      try {
        await sleep(delayMs, signal);
      } catch (interrupted) {
        if (signal.aborted) throw error;
        throw interrupted;
      }
    }
  }
}

/** A day: whoever says more (a date in another century) is not to be believed. */
const RETRY_AFTER_MS_MAX = 86_400_000;

/** Seconds or an HTTP date (RFC 9110, 10.2.3) in milliseconds from now, at most a day; `null` for none or nonsense. */
export function readRetryAfter(header: string | string[] | undefined, now: number): number | null {
  const text = (Array.isArray(header) ? header[0] : header)?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * 1_000, RETRY_AFTER_MS_MAX);
  // Date.parse alone would take "-5", "1.5" or "soon 7" for dates
  if (!/^[A-Z][a-z]{2,8},? .+ GMT$/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.min(Math.max(0, at - now), RETRY_AFTER_MS_MAX);
}
