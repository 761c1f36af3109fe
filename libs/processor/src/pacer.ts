/**
 * Fixed costs shared: work that is asked for runs at once after a pause, else when a moment has passed since it last ran,
 * so that what becomes ready meanwhile goes with it. A busy runner makes a hundred transactions a second that way and not
 * one for each message, a quiet one does not wait.
 */
export type Pacer = { readonly request: () => void };

/** Least time between two runs: each costs some statements however few messages it has. */
const GATHER_MS = 10;

export function createPacer(work: () => void): Pacer {
  let ranAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  const run = (): void => {
    timer = null;
    ranAt = performance.now();
    work();
  };
  return {
    request: () => {
      // Not before the end of this turn: its other results belong to the same run.
      timer ??= setTimeout(run, Math.max(0, ranAt + GATHER_MS - performance.now()));
    },
  };
}
