/**
 * The one loop that repeats what failed for a passing reason: transactions of commands, of batches, of uploads. slonik's own
 * retries are off (database.ts), since it knows neither what a body does besides nor what a conflict means to the caller.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { classify } from './errors.ts';

export type Repeating = {
  /** Asked of an error of ours (`classify`), with how many tries there were. What may not pass is thrown. */
  readonly mayPass: (error: Error, tries: number) => boolean;
  /** Without it, until it is done. */
  readonly triesMax?: number;
  readonly pauseMs: (tries: number, error: Error) => number;
  /** Told of each failure, also of the last one, before the pause. */
  readonly onFailure?: (error: Error) => void;
  readonly sleep?: (ms: number) => Promise<unknown>;
};

/** Throws the last error. `attempt` must leave nothing behind when it fails, or find it again. */
export async function repeat<T>(
  attempt: () => Promise<T>,
  { mayPass, triesMax = Number.POSITIVE_INFINITY, pauseMs, onFailure, sleep = delay }: Repeating,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = classify(thrown);
      onFailure?.(error);
      if (tries >= triesMax || !mayPass(error, tries)) throw error;
      await sleep(pauseMs(tries, error));
    }
  }
}

/** Twice as long after each try up to `max`, and anything from half of that to one and a half: who met would meet again. */
export const growingPauseMs =
  ({ first, max }: { readonly first: number; readonly max: number }) =>
  (tries: number): number =>
    Math.min(first * 2 ** (tries - 1), max) * (0.5 + Math.random());
