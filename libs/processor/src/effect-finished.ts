/**
 * What is finished and waits for its commit: many together, one commit at a time, each again until it is done.
 *
 *   finished ─▶ commit (effect-commit.ts) ──ok──────────────────────▶ committed: keys are free, Kafka is told
 *                  ▲   │
 *                  │   ├─ a fault that may pass ─▶ pause ─┐
 *                  │   ├─ most of it would be set aside ──┤ the group halts, and looks again later
 *                  │   ├─ another owner ─▶ without what is lost
 *                  └───┴─ data that is refused ─▶ in halves, down to the one that is set aside
 */
import { setTimeout as delay } from 'node:timers/promises';
import { InvariantError, toError, TransientError } from '@lead-flood/kernel';
import { isConflict, repeat } from '@lead-flood/postgres';
import { isPassed, isRefused, tracesOf } from './decode.ts';
import type { UntypedEffect, Finished } from './effect-commit.ts';
import { commitEffects } from './effect-commit.ts';
import type { Lifecycle } from './effect-lifecycle.ts';
import type { KeyQueue } from './effect-queue.ts';
import { enter } from './effect-state.ts';
import type { Tracker } from './effect-tracker.ts';
import type { SetAside } from './flood.ts';
import { countSetAside, FloodError, haltedPauseMs, isolates } from './flood.ts';
import type { OffsetCommitter } from './offset-committer.ts';
import { createPacer } from './pacer.ts';
import type { ShellDeps, Status } from './shell.ts';
import { goingWell } from './shell.ts';
import { CONFLICTS_MAX, retryPauseMs } from './until-done.ts';

export type FinishedWork = {
  readonly add: (finished: Finished) => void;
  readonly count: () => number;
  readonly some: (matches: (tracker: Tracker) => boolean) => boolean;
  readonly halted: () => string | null;
  readonly failingSince: () => number | null;
};

export type FinishedParts = {
  readonly queue: KeyQueue;
  readonly lifecycle: Lifecycle;
  readonly offsets: OffsetCommitter;
  /** Asked after a commit that found another owner: which of these are still to be committed here. */
  readonly stillOurs: (finished: readonly Finished[]) => Promise<readonly Finished[]>;
  readonly onKeysFree: () => void;
};

/** Calls end some dozens at a time; only after a pause of the database are there more, and a rollback repeats so many at most. */
const COMMIT_MAX = 500;

export function createFinishedWork(processor: UntypedEffect, deps: ShellDeps, parts: FinishedParts): FinishedWork {
  const { queue, lifecycle, onKeysFree } = parts;
  const status: Status = goingWell();
  const commitUntilDone = createCommitter(processor, deps, { ...parts, status });
  const commits = createPacer(() => void commitNext());
  let waiting: Finished[] = [];
  let committing = false;

  async function commitNext(): Promise<void> {
    if (committing || lifecycle.isDead()) return;
    committing = true;
    try {
      const batch = waiting.slice(0, COMMIT_MAX);
      await commitUntilDone(batch);
      waiting = waiting.slice(batch.length);
      for (const { key } of batch) queue.release(key);
    } catch (error) {
      lifecycle.die(toError(error));
    }
    committing = false;
    if (waiting.length > 0) commits.request();
    onKeysFree();
    lifecycle.signalChange();
  }

  return {
    add: (finished) => {
      waiting.push(finished);
      commits.request();
    },
    count: () => waiting.length,
    some: (matches) => waiting.some(({ item }) => matches(item.tracker)),
    halted: () => status.halted,
    failingSince: () => status.failingSince,
  };
}

function createCommitter(
  processor: UntypedEffect,
  deps: ShellDeps,
  { offsets, status, lifecycle, stillOurs }: FinishedParts & { readonly status: Status },
): (batch: readonly Finished[]) => Promise<void> {
  const { group } = processor;
  const setAside = countSetAside();
  const settle = createSettling(group, deps, { offsets, status, setAside });

  async function commitUntilDone(batch: readonly Finished[]): Promise<void> {
    let rest = batch;
    let lost = false;
    let halting: Error | null = null;
    async function commit(): Promise<void> {
      const startedAt = performance.now();
      if (lost) rest = await stillOurs(rest);
      lost = false;
      if (rest.length === 0) return;
      const now = deps.clock.now();
      const outcomes = await commitEffects(processor, { ...deps, now, topicPrefix: deps.topicPrefix ?? '' }, rest);
      for (const { topic, outcome, reason } of outcomes) deps.telemetry.outcome(group, topic, outcome, reason);
      settle(rest, performance.now() - startedAt);
    }
    try {
      await repeat(commit, {
        onFailure: (error) => {
          status.failingSince ??= Date.now();
          deps.telemetry.error(group, error, 'a commit is repeated');
          lost ||= error instanceof TransientError && error.code === 'PGS_ERR_NOT_OWNER';
          halting = error instanceof InvariantError ? null : haltedBy(error, rest, setAside);
          if (halting !== null) status.halted = halting.message;
        },
        mayPass: (error, tries) =>
          halting !== null || (error instanceof TransientError && !(isConflict(error) && tries >= CONFLICTS_MAX)),
        pauseMs: (tries) => (halting === null ? retryPauseMs(tries) : haltedPauseMs),
        // A halt ends with the process; whatever else fails is tried on while it stops.
        sleep: (ms) => (halting === null ? delay(ms) : delay(ms, undefined, { signal: lifecycle.stopping })),
      });
    } catch (thrown) {
      if (halting !== null && lifecycle.stopping.aborted) return;
      const error = toError(thrown);
      if (error instanceof InvariantError) throw error;
      await isolate(rest, error);
    }
  }

  /** The data of one of them is refused by the database: halve, and set aside the one. */
  async function isolate(rest: readonly Finished[], error: Error): Promise<void> {
    const [only] = rest;
    if (only === undefined) return;
    if (rest.length === 1) {
      // Its dead letter is refused too: nothing that could be set aside is the cause. Again and again would be at once.
      if (only.result.kind === 'refused') throw error;
      const code = isConflict(error) ? 'PRC_ERR_NO_PROGRESS' : 'PRC_ERR_UNSTORABLE';
      const refused = { record: only.item.record, code, detail: error.name, step: 'save' };
      await commitUntilDone([{ ...only, result: { kind: 'refused', refused } }]);
      setAside.add();
      return;
    }
    const middle = rest.length >> 1;
    await commitUntilDone(rest.slice(0, middle));
    await commitUntilDone(rest.slice(middle));
  }

  return commitUntilDone;
}

/** What is told once a commit has taken place. */
function createSettling(
  group: string,
  deps: ShellDeps,
  { offsets, status, setAside }: { offsets: OffsetCommitter; status: Status; setAside: SetAside },
) {
  return (done: readonly Finished[], durationMs: number): void => {
    const inputs = done.flatMap(({ item: { work } }) => (isRefused(work) || isPassed(work) ? [] : work));
    deps.telemetry.batch(group, done.length, durationMs, tracesOf(inputs));
    status.halted = null;
    status.failingSince = null;
    for (const { item } of done) enter(item, 'committed');
    setAside.passed(done.filter(({ result }) => result.kind !== 'refused').length);
    deps.wakeRelay();
    const trackers = [...new Set(done.map(({ item }) => item.tracker))];
    offsets.commit(trackers.map(({ topic, partition, place }) => ({ topic, partition, nextOffset: place.nextOffset })));
  };
}

/** What a human should look at, before anything more is set aside; null for what passes or concerns one message. */
function haltedBy(error: Error, rest: readonly Finished[], setAside: SetAside): Error | null {
  if (error instanceof FloodError) return error;
  if (error instanceof TransientError) return null;
  if (!isolates(error)) return error;
  const [only] = rest;
  return rest.length === 1 && only?.result.kind !== 'refused' ? setAside.next('PRC_ERR_UNSTORABLE') : null;
}
