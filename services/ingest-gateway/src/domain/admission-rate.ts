/**
 * How many leads of files and lists a second may enter the line, from how long its messages stand in queues and how many its
 * slowest group passes. Imports fill what is free and no more, so that a single lead beside them finds short queues.
 *
 *   queue   0 ────── low ────────────── high ────────▶
 *   pace      faster   as it is           half of what passes, until the queue is gone
 *
 * Faster is measured by what passes, not by what was let in: what a look shows is a second old, and a pace that grows on
 * its own would be twice what the line can do before anybody sees it.
 */
import type { Line } from './line-wait.ts';

export type Rate = {
  /** Leads a second. */
  readonly perSecond: number;
  /** Leads that may enter now. */
  readonly allowance: number;
};

const QUEUE_MS = { low: 500, high: 1_000 };
const RATE = { min: 50, first: 300 };
/** Above what passes, so that a line with more to give is found out; below it, so that a queue goes away. */
const FACTOR = { up: 1.25, down: 0.5 };
const STEP_UP = 50;
/** A list of usual size does not wait at all while nothing else does. */
const ALLOWANCE_MAX = 500;

export const freshRate = (perSecondMax: number): Rate => ({
  perSecond: Math.min(RATE.first, perSecondMax),
  allowance: Math.min(ALLOWANCE_MAX, perSecondMax),
});

/** What was gained under a higher limit does not outlive it. */
export const within = (rate: Rate, perSecondMax: number): Rate => ({
  perSecond: Math.min(rate.perSecond, perSecondMax),
  allowance: Math.min(rate.allowance, perSecondMax),
});

/** After a look at the line; null where nobody could say: then nothing changes, but for what is more than the limit. */
export function adjust(rate: Rate, line: Line | null, perSecondMax: number): Rate {
  if (line === null) return within(rate, perSecondMax);
  const passes = line.perSecond ?? rate.perSecond;
  const wanted =
    line.queueMs > QUEUE_MS.high
      ? Math.min(rate.perSecond, passes * FACTOR.down)
      : line.queueMs < QUEUE_MS.low
        ? Math.min(rate.perSecond, passes) * FACTOR.up + STEP_UP
        : rate.perSecond;
  return within({ ...rate, perSecond: Math.max(RATE.min, wanted) }, perSecondMax);
}

/** What is saved up is at most a quarter of a second's: a burst is a queue too. */
export const pass = (rate: Rate, elapsedMs: number): Rate => ({
  ...rate,
  allowance: Math.min(
    Math.max(rate.allowance, rate.perSecond / 4),
    rate.allowance + (rate.perSecond * elapsedMs) / 1_000,
  ),
});

/** May go below zero by one row of the table: the next one then waits that much longer. */
export const spend = (rate: Rate, leads: number): Rate => ({ ...rate, allowance: rate.allowance - leads });
