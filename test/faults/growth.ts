/**
 * I11 over a whole run: heap and handles at its end against the most of its first half. One look is no measure of what a
 * service needs: most trials kill it, and its pools open with the first work after that.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Violation } from '../invariants/invariant.ts';
import { growth } from '../invariants/processes.ts';
import type { Measurement } from '../invariants/world.ts';

/** In fewer trials the most is no more than what happened to be uncollected then. */
export const TRIALS_TO_JUDGE_GROWTH = 10;

/** Garbage is no growth: of several looks at a service at rest the smallest counts. */
const LOOKS = 10;
const LOOK_EVERY_MS = 2_000;

export async function grownAtRest(
  baseline: Measurement,
  measure: () => Promise<Measurement>,
  everyMs = LOOK_EVERY_MS,
): Promise<Violation[]> {
  let least: Measurement = {};
  for (let look = 1; ; look += 1) {
    least = smaller(least, await measure());
    const violations = growth(baseline, least);
    if (violations.length === 0 || look === LOOKS) return violations;
    await delay(everyMs);
  }
}

const combine =
  (choose: (a: number, b: number) => number) =>
  (a: Measurement, b: Measurement): Measurement =>
    Object.fromEntries(
      Object.entries(b).map(([name, { heapBytes, handles }]) => [
        name,
        {
          heapBytes: choose(heapBytes, a[name]?.heapBytes ?? heapBytes),
          handles: choose(handles, a[name]?.handles ?? handles),
        },
      ]),
    );

const smaller = combine(Math.min);
export const larger = combine(Math.max);

/** Of a process that was started anew since, only what its last life has added is seen. */
export const sayMeasured = (before: Measurement, after: Measurement): string =>
  Object.entries(after)
    .map(([name, { heapBytes, handles }]) => {
      const was = before[name];
      return `${name} ${mb(was?.heapBytes)} -> ${mb(heapBytes)} MB, ${was?.handles ?? '?'} -> ${handles} handles`;
    })
    .join('; ');

const mb = (bytes: number | undefined): string => (bytes === undefined ? '?' : String(Math.round(bytes / 1_048_576)));
