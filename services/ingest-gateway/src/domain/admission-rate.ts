/**
 * How many leads of files and lists a second may enter the line, from how long the line lets its messages wait. Imports fill
 * what is free and no more, so that a single lead that comes beside them finds short queues.
 *
 *   waits   0 ────── low ────────────── high ────────▶
 *   rate      faster   as it is           slower
 */

export type Rate = {
  /** Leads a second. */
  readonly perSecond: number;
  /** Leads that may enter now. */
  readonly allowance: number;
};

const WAIT_MS = { low: 900, high: 1_400 };
const RATE = { min: 20, first: 500, max: 50_000 };
/** What is up within some seconds, and down within one: too slow costs a little time, too fast costs everybody's. */
const FACTOR = { up: 1.25, down: 0.75 };
const STEP_UP = 20;
/** A list of usual size does not wait at all while nothing else does. */
const ALLOWANCE_MAX = 1_000;

export const freshRate: Rate = { perSecond: RATE.first, allowance: ALLOWANCE_MAX };

/** After a look at the line. `waitMs` is null where nobody could say: then nothing changes. */
export function adjust(rate: Rate, waitMs: number | null): Rate {
  if (waitMs === null) return rate;
  const wanted =
    waitMs > WAIT_MS.high
      ? rate.perSecond * FACTOR.down
      : waitMs < WAIT_MS.low
        ? rate.perSecond * FACTOR.up + STEP_UP
        : rate.perSecond;
  return { ...rate, perSecond: Math.min(RATE.max, Math.max(RATE.min, wanted)) };
}

export const pass = (rate: Rate, elapsedMs: number): Rate => ({
  ...rate,
  allowance: Math.min(ALLOWANCE_MAX, rate.allowance + (rate.perSecond * elapsedMs) / 1_000),
});

/** May go below zero by one row of the table: the next one then waits that much longer. */
export const spend = (rate: Rate, leads: number): Rate => ({ ...rate, allowance: rate.allowance - leads });
