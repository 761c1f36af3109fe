/**
 * Several actors of one test whose steps are ordered by somebody else (fast-check's scheduler): each stops at every fault
 * point that it passes and goes on when it is let.
 *
 * An actor may also be where nobody can let it go: behind a row lock that another holds, or in a pause of its own before a
 * repeat. So the next one is let go when all have stopped at a point, or when nobody has moved for a moment; whoever is
 * behind a lock comes to its next point once the holder, which stands at one, has been let go to the end of its transaction.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createFaultScope } from './fault-scope.ts';

/** What is needed of fast-check's. */
export type Scheduler = {
  readonly schedule: <T>(task: Promise<T>, label?: string) => Promise<T>;
  readonly waitNext: (count: number) => Promise<void>;
  readonly count: () => number;
};

export type Actor = {
  readonly name: string;
  readonly act: () => Promise<void>;
  /** Told of each point when the actor goes on from it. */
  readonly onPoint?: (point: string) => void;
};

/** Longer than a statement takes, shorter than anybody would wait. */
const PATIENCE_MS = 12;

type Standing = { at: string | null; moves: number; done: boolean };

/** Resolves when all actors are done; rejects with the first error of one. `endless` ones (a relay) only take part. */
export async function interleave(
  scheduler: Scheduler,
  actors: readonly Actor[],
  endless: readonly Actor[] = [],
): Promise<void> {
  const freed = { all: false };
  const start = ({ name, act, onPoint }: Actor): { standing: Standing; whole: Promise<void> } => {
    const standing: Standing = { at: null, moves: 0, done: false };
    const scope = createFaultScope();
    scope.onFault(async (point) => {
      if (freed.all) return;
      standing.at = point;
      await scheduler.schedule(Promise.resolve(), `${name} ${point}`);
      standing.at = null;
      standing.moves += 1;
      onPoint?.(point);
    });
    const whole = scope.run(act).finally(() => {
      standing.done = true;
    });
    // Awaited below; until then a failure must not count as nobody's.
    whole.catch(() => undefined);
    return { standing, whole };
  };
  const all = actors.map(start);
  const others = endless.map(start);
  while (all.some(({ standing }) => !standing.done)) {
    await untilNobodyMoves(all.map(({ standing }) => standing));
    if (scheduler.count() > 0) await scheduler.waitNext(1);
  }
  freed.all = true;
  while (scheduler.count() > 0) await scheduler.waitNext(1);
  await Promise.all([...all, ...others].map(({ whole }) => whole));
}

async function untilNobodyMoves(standings: readonly Standing[]): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  while (performance.now() < until) {
    if (standings.every(({ at, done }) => done || at !== null)) return;
    await delay(1);
  }
}
