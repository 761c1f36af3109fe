/**
 * Commits finished calls until it is done: repeated on faults that may pass, halved when the data of one of them is
 * refused, without those whose partition has gone to another owner meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { InvariantError, planted, TransientError } from '@lead-flood/kernel';
import { classify } from '@lead-flood/postgres';
import type { ShellDeps } from './batch-shell.ts';
import { isPassed, isRefused, tracesOf } from './decode.ts';
import type { ErasedEffect, Finished } from './effect-commit.ts';
import { commitEffects } from './effect-commit.ts';
import { countSetAside, FloodError, haltedPauseMs, isolates } from './flood.ts';
import type { OffsetTeller } from './offset-teller.ts';

const COMMIT_RETRY_MS = { first: 50, max: 5_000 };

export type CommitterParts = {
  readonly teller: OffsetTeller;
  readonly status: { halted: string | null };
  readonly stopping: AbortSignal;
  /** Asked after a commit that found another owner: which of these are still to be committed here. */
  readonly stillOurs: (finished: readonly Finished[]) => Promise<readonly Finished[]>;
};

export function createCommitter(
  processor: ErasedEffect,
  deps: ShellDeps,
  { teller, status, stopping, stillOurs }: CommitterParts,
): (batch: readonly Finished[]) => Promise<void> {
  const { group } = processor;
  const setAside = countSetAside();

  async function commitUntilDone(batch: readonly Finished[]): Promise<void> {
    let rest = batch;
    let lost = false;
    for (let tries = 0; rest.length > 0; tries += 1) {
      const startedAt = performance.now();
      try {
        if (lost) rest = await stillOurs(rest);
        lost = false;
        if (rest.length === 0) return;
        const result = await commitEffects(
          processor,
          { ...deps, now: deps.clock.now(), topicPrefix: deps.topicPrefix ?? '' },
          rest,
        );
        for (const { topic, outcome, reason } of result.outcomes) deps.telemetry.outcome(group, topic, outcome, reason);
        deps.telemetry.batch(
          group,
          rest.length,
          performance.now() - startedAt,
          tracesOf(rest.flatMap((f) => (isRefused(f.item.work) || isPassed(f.item.work) ? [] : f.item.work))),
        );
        status.halted = null;
        setAside.passed(rest.filter((f) => f.result.kind !== 'refused').length);
        deps.wakeRelay();
        teller.tell(
          [...new Set(rest.map((f) => f.item.tracker))].map((t) => ({
            topic: t.topic,
            partition: t.partition,
            nextOffset: t.place.nextOffset,
          })),
        );
        return;
      } catch (thrown) {
        const error = classify(thrown);
        deps.telemetry.error(group, error, 'a commit is repeated');
        if (error instanceof InvariantError) throw error;
        const halting = haltedBy(error, rest);
        if (halting !== null) {
          status.halted = halting.message;
          // The only way for it to fail is a stop, asked for in the next line.
          await delay(haltedPauseMs, undefined, { signal: stopping }).catch(() => undefined);
          if (stopping.aborted) return;
          continue;
        }
        if (!(error instanceof TransientError)) {
          await isolate(rest, error);
          return;
        }
        lost ||= error.code === 'PGS_ERR_NOT_OWNER';
        await delay(Math.min(COMMIT_RETRY_MS.first * 2 ** tries, COMMIT_RETRY_MS.max) * (0.5 + Math.random()));
      }
    }
  }

  /** What a human should look at, before anything more is set aside; null for what passes or concerns one message. */
  function haltedBy(error: Error, rest: readonly Finished[]): Error | null {
    if (error instanceof FloodError) return error;
    if (error instanceof TransientError) return null;
    if (!isolates(error)) return error;
    const [only] = rest;
    return rest.length === 1 && only?.result.kind !== 'refused' ? setAside.next('PRC_ERR_UNSTORABLE') : null;
  }

  /** The data of one of them is refused by the database: halve, and set aside the one. */
  async function isolate(rest: readonly Finished[], error: Error): Promise<void> {
    const [only] = rest;
    if (only === undefined) return;
    if (rest.length === 1) {
      // Its dead letter is refused too: nothing that could be set aside is the cause. Again and again would be at once.
      if (only.result.kind === 'refused' && !planted('refused-letter-at-once')) throw error;
      const refused = { record: only.item.record, code: 'PRC_ERR_UNSTORABLE', detail: error.name, step: 'save' };
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
