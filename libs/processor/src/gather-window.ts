/**
 * How long to wait between two fetches. A small batch costs nearly as much as a large one (transaction, round trips, the
 * relay's publish, the next service's fetch), so a line with a few hundred messages a second is cheaper with pauses; a
 * single message on a quiet line gains nothing by them, and a full batch is worth its cost as it is.
 *
 *   quiet ──▶ 5 ms ──small batches, one after the other──▶ 7 ▶ 11 ▶ 17 ▶ 25 ▶ maxMs
 *     ▲                                                        │
 *     └────────── a pause of the line, or a large batch ───────┘
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { PartitionBatch } from '@lead-flood/kafka';

export type GatherWindow = {
  /** Milliseconds from the begin of the fetch that has just been dealt with to the next one. */
  readonly next: (fetch: { readonly messages: number; readonly beganAt: number; readonly endedAt: number }) => number;
};

/** Too short to be seen in the time that a lead takes; it still joins what comes in the same moment. */
const MIN_MS = 5;
/** Six small fetches in a row reach the longest window: a burst of two or three is not held up, a steady line soon is. */
const GROWTH = 1.5;
/** From here on the fixed cost is a small part. */
const LARGE_MESSAGES = 200;
/** Well above the longest window: only a line on which nothing comes pauses so long. */
const QUIET_MS = 150;

/** The pause after a fetch that began at `beganAt` and is dealt with; none for a member that is to leave. */
export async function restAfter(
  window: GatherWindow,
  batches: readonly PartitionBatch[],
  beganAt: number,
): Promise<void> {
  const endedAt = performance.now();
  const messages = batches.reduce((sum, batch) => sum + batch.records.length, 0);
  const restMs = beganAt + window.next({ messages, beganAt, endedAt }) - endedAt;
  if (restMs > 0 && !batches.some((batch) => batch.leaving())) await delay(restMs);
}

export function createGatherWindow(maxMs: number): GatherWindow {
  let windowMs = Math.min(MIN_MS, maxMs);
  let lastEndedAt = Number.NEGATIVE_INFINITY;
  return {
    next: ({ messages, beganAt, endedAt }) => {
      const quiet = beganAt - lastEndedAt > QUIET_MS;
      lastEndedAt = endedAt;
      windowMs = Math.min(maxMs, quiet || messages >= LARGE_MESSAGES ? MIN_MS : windowMs * GROWTH);
      return windowMs;
    },
  };
}
