/**
 * What a finished outside call leads to, in one transaction for many of them: positions, redeliveries, decisions,
 * states, events. The counterpart of batch.ts, by the same moves, with the answer of the outside world as one more
 * argument.
 *
 *   done                       ─▶ decided
 *   failed for a passing reason ─▶ it was decided before: nothing
 *                               └▶ tries are left: a timer brings it again
 *                               └▶ none are left: `onExhausted` decides, and a dead letter is written
 *   refused                    ─▶ dead letter
 */
import type { TransientError } from '@lead-flood/kernel';
import { apply, derivedId, fault, invariant } from '@lead-flood/kernel';
import type { Codec, RawRecord } from '@lead-flood/kafka';
import { headersAsText, headerNames, originHeader } from '@lead-flood/kafka';
import type { Database, Redelivery, Stored, TimerMessage } from '@lead-flood/postgres';
import {
  advancePositions,
  endRedeliveries,
  expectedAttempts,
  expectRedeliveries,
  insertOutbox,
  insertTimers,
} from '@lead-flood/postgres';
import { placeInputs, toDeadLetters } from './batch.ts';
import type { DecodedInput, Refused } from './decode.ts';
import { isPassed, isRefused } from './decode.ts';
import type { Item } from './effect-tracker.ts';
import { advanceOf, settleAdvance } from './effect-tracker.ts';
import { refuseFlood } from './flood.ts';
import type { FoldInput, FoldOutcome } from './fold.ts';
import { fold, isRepeat } from './fold.ts';
import type { Placed, Untyped } from './processor.ts';

export type Finished = {
  readonly key: string;
  readonly item: Item;
  /** What `perform` gave; an error that may pass leads to a redelivery, any other to a dead letter. */
  readonly result:
    | { readonly kind: 'done'; readonly value: unknown }
    | { readonly kind: 'later'; readonly error: TransientError }
    | { readonly kind: 'refused'; readonly refused: Refused };
};

export type UntypedEffect = Untyped & {
  readonly onExhausted: Readonly<Record<string, Untyped['decide'][string] | undefined>>;
  readonly redeliverAfterMs: readonly number[];
};

export type EffectOutcome = {
  readonly topic: string;
  readonly outcome: FoldOutcome<unknown>['outcome'];
  readonly reason: string;
};

type Decided = { readonly input: DecodedInput; readonly finished: Finished; readonly exhausted: TransientError | null };

export async function commitEffects(
  processor: UntypedEffect,
  deps: { readonly database: Database; readonly codec: Codec; readonly now: number; readonly topicPrefix: string },
  finished: readonly Finished[],
): Promise<readonly EffectOutcome[]> {
  const { group } = processor;
  const topicOf = ({ record }: { readonly record: RawRecord }): string => record.topic.slice(deps.topicPrefix.length);
  const trackers = new Set(finished.map((f) => f.item.tracker));
  const advances = [...trackers].map((tracker) => ({
    tracker,
    advance: advanceOf(
      tracker,
      finished.filter((f) => f.item.tracker === tracker).map((f) => f.item.record.offset),
    ),
  }));
  const outcomes = await deps.database.transaction(async (tx) => {
    // A try that nobody waits for any more is a repeat of its timer: nothing comes of it.
    const redelivered = finished.filter((f) => attemptOf(f) > 0).map((f) => idOf(f));
    const expected = await expectedAttempts(tx, group, redelivered);
    const current = finished.filter((f) => attemptOf(f) === 0 || expected.get(idOf(f)) === attemptOf(f));
    const { failed, decided, refused } = sort(processor, current);
    // 2. Load.
    const events = [...decided, ...failed].map((d) => d.input.event);
    const placed = await placeInputs(processor, tx, events);
    const loaded = await processor.store.load(tx, [...new Set(placed.map((p) => p.key))]);
    // 3. Move the positions on: after the load and before every other write, as in batch.ts.
    await advancePositions(
      tx,
      group,
      advances.map((a) => a.advance),
    );
    // 4. Decide.
    const inputs = decided.map((d, i): FoldInput<unknown> => {
      const facts = placed[i];
      invariant(facts !== undefined, 'prepare answered every input');
      return {
        event: d.input.event,
        placed: facts,
        guarded: d.input.attempt === 0,
        decide: decisionOf(processor, d),
      };
    });
    const folded = fold(processor, deps.codec, inputs, loaded, deps.now);
    const repeats = repeatsAmong(failed, placed.slice(decided.length), loaded, decided);
    const later = failed.filter((l) => !repeats.has(l));
    // 5. Save.
    await processor.store.save(tx, folded.saves);
    const deadLetters = [...refused, ...refusals(decided, folded.outcomes)];
    refuseFlood(deadLetters, finished.length);
    await insertOutbox(tx, [...folded.outbox, ...toDeadLetters(group, deadLetters, deps.now)]);
    await insertTimers(tx, [...folded.timers, ...later.map((l) => toTimer(processor, deps, l))]);
    await expectRedeliveries(tx, group, later.map(toRedelivery));
    await endRedeliveries(tx, group, endedOf(current, failed, decided, folded.outcomes));
    await fault('processor.outbox');
    // 6. Commit: on return.
    return [
      ...folded.outcomes.map(({ outcome, reason }, i) => {
        return { topic: decided[i]?.input.event.source ?? '', outcome, reason };
      }),
      ...undecidedOutcomes(finished, { later, repeats, refused }, topicOf),
    ];
  });
  for (const { tracker, advance } of advances) settleAdvance(tracker, advance);
  return outcomes;
}

/** What became of messages that no decision was asked for. */
const undecidedOutcomes = (
  finished: readonly Finished[],
  {
    later,
    repeats,
    refused,
  }: { readonly later: readonly Later[]; readonly repeats: ReadonlySet<Later>; readonly refused: readonly Refused[] },
  topicOf: (of: Pick<Refused, 'record'>) => string,
): EffectOutcome[] => [
  ...later.map(({ input, error }) => ({
    topic: input.event.source,
    outcome: 'redelivered' as const,
    reason: error.code,
  })),
  ...[...repeats].map(({ input }) => ({
    topic: input.event.source,
    outcome: 'duplicate' as const,
    reason: 'version',
  })),
  ...finished.flatMap(({ item: { work } }) =>
    isPassed(work) ? { topic: topicOf(work), outcome: 'skipped' as const, reason: work.ignored } : [],
  ),
  ...refused.map((r) => ({ topic: topicOf(r), outcome: 'rejected' as const, reason: r.code })),
];

const inputOf = ({ item: { work } }: Finished): DecodedInput | null =>
  isRefused(work) || isPassed(work) ? null : work;
const attemptOf = (f: Finished): number => inputOf(f)?.attempt ?? 0;
const idOf = (f: Finished): string => inputOf(f)?.event.id ?? '';

type Later = { readonly finished: Finished; readonly input: DecodedInput; readonly error: TransientError };

/**
 * First tries that failed of what has been decided before. They must not come again: a redelivery passes the version guard,
 * since newer messages of its key may have been decided meanwhile, so a repeat of the relay that met a fault (its step was
 * begun by the first one, say) would be decided a second time.
 */
function repeatsAmong(
  failed: readonly Later[],
  placed: readonly Placed<unknown>[],
  loaded: ReadonlyMap<string, Stored<unknown>>,
  decided: readonly Decided[],
): ReadonlySet<Later> {
  const decidedNow = new Set(decided.map(({ input }) => input.event.id));
  return new Set(
    failed.filter(({ input: { event, attempt } }, i) => {
      if (attempt > 0) return false;
      const key = placed[i]?.key ?? event.key;
      return decidedNow.has(event.id) || isRepeat(loaded.get(key)?.seen ?? {}, event, key);
    }),
  );
}

function sort(
  processor: UntypedEffect,
  finished: readonly Finished[],
): { failed: Later[]; decided: Decided[]; refused: Refused[] } {
  const failed: Later[] = [];
  const decided: Decided[] = [];
  const refused: Refused[] = [];
  for (const f of finished) {
    const input = inputOf(f);
    if (isRefused(f.item.work)) refused.push(f.item.work);
    else if (f.result.kind === 'refused') refused.push(f.result.refused);
    else if (input === null) continue;
    else if (f.result.kind === 'done') decided.push({ input, finished: f, exhausted: null });
    else if (input.attempt < processor.redeliverAfterMs.length)
      failed.push({ finished: f, input, error: f.result.error });
    else decided.push({ input, finished: f, exhausted: f.result.error });
  }
  return { failed, decided, refused };
}

/**
 * Whose row goes: tries that were waited for and led to something. Neither a repeat of an earlier try's timer nor a repeat of
 * the message itself, which the version guard drops where a later message has overtaken it: the try that is waited for is
 * still to come, and finds its row or is lost.
 */
function endedOf(
  current: readonly Finished[],
  failed: readonly Later[],
  decided: readonly Decided[],
  outcomes: readonly FoldOutcome<unknown>[],
): string[] {
  const isDropped = (i: number): boolean => outcomes[i]?.outcome === 'duplicate';
  const dropped = new Set(decided.filter((_, i) => isDropped(i)).map((d) => d.finished));
  const goesOn = new Set(failed.map((l) => l.finished));
  return current.filter((f) => !dropped.has(f) && !goesOn.has(f) && idOf(f) !== '').map((f) => idOf(f));
}

function decisionOf(processor: UntypedEffect, { input, finished, exhausted }: Decided): FoldInput<unknown>['decide'] {
  const { event } = input;
  if (exhausted !== null) {
    const decide = processor.onExhausted[event.name];
    return (state, ctx) => (decide === undefined ? apply(state as unknown) : decide(state, event, ctx));
  }
  const decide = processor.decide[event.name];
  invariant(decide !== undefined, `${processor.group} has no decision for ${event.name}`);
  return (state, ctx) => decide(state, event, ctx, finished.result.kind === 'done' ? finished.result.value : null);
}

/** Rejected by the decision, or given up after the last try (which is decided and set aside). */
function refusals(decided: readonly Decided[], outcomes: readonly FoldOutcome<unknown>[]): Refused[] {
  return decided.flatMap(({ input, exhausted }, i): Refused[] => {
    const decision = outcomes[i]?.decision;
    if (decision?.kind === 'reject')
      return [{ record: input.record, code: decision.code, detail: decision.detail, step: 'decide' }];
    if (exhausted === null) return [];
    return [
      {
        record: input.record,
        code: 'PRC_ERR_EXHAUSTED',
        detail: exhausted.code,
        step: 'perform',
      },
    ];
  });
}

const toRedelivery = ({ input, error }: Later): Redelivery => ({
  messageId: input.event.id,
  attempt: input.attempt + 1,
  code: error.code,
  // The code alone: the text may quote an address.
  detail: error.code,
});

/** The original record, to come back on the group's own timer topic. */
function toTimer(
  processor: UntypedEffect,
  deps: { now: number; topicPrefix: string },
  { input, error }: Later,
): TimerMessage {
  const { record, event, attempt } = input;
  const plannedMs = processor.redeliverAfterMs[attempt] ?? 0;
  return {
    id: derivedId(event.id, processor.group, 'redelivery', attempt + 1),
    dueAt: deps.now + Math.max(plannedMs, error.retryAfterMs ?? 0),
    topic: `${processor.group}.timer.v1`,
    key: record.key === null ? null : record.key.toString('utf8'),
    value: record.value,
    headers: {
      ...headersAsText(record.headers),
      [headerNames.messageId]: event.id,
      [headerNames.attempt]: String(attempt + 1),
      [originHeader]: event.source,
    },
  };
}
