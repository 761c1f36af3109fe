/**
 * How long to wait between two fetches. A small batch costs nearly as much as a large one (transaction, round trips, the
 * relay's publish, the next service's fetch), so a line with a few hundred messages a second is cheaper with pauses; a
 * single message on a quiet line gains nothing by them, and a full batch is worth its cost as it is.
 *
 *   quiet ──▶ 5 ms ──small batches, one after the other──▶ 7 ▶ 11 ▶ 17 ▶ 25 ▶ maxMs
 *     ▲                                                        │
 *     └────────── a pause of the line, or a large batch ───────┘
 */
export type GatherWindow = {
  /** Milliseconds from the begin of the fetch that has just been dealt with to the next one. */
  readonly next: (fetch: { readonly messages: number; readonly beganAt: number; readonly endedAt: number }) => number;
};

const MIN_MS = 5;
const GROWTH = 1.5;
/** From here on the fixed cost is a small part. */
const LARGE_MESSAGES = 200;
const QUIET_MS = 150;

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
