/**
 * Moves 2 to 6 for one list of decoded inputs: everything that must happen in one transaction. About five statements,
 * whatever the length of the list.
 */
import type { Codec } from '@lead-flood/kafka';
import { toDeadLetter } from '@lead-flood/kafka';
import { fault, invariant, outsideOfTransaction, planted } from '@lead-flood/kernel';
import type { Advance, Database, OutboxMessage, Queries } from '@lead-flood/postgres';
import { advancePositions, insertOutbox, insertTimers, lockForBatch, parkedKeysOf } from '@lead-flood/postgres';
import type { DecodedInput, Refused } from './decode.ts';
import { parkAfterFold } from './park.ts';
import { refuseFlood } from './flood.ts';
import type { FoldOutcome } from './fold.ts';
import { fold, toFoldInputs } from './fold.ts';
import type { AnyInput, Erased, Prepared } from './processor.ts';

export type Batch = {
  readonly inputs: readonly DecodedInput[];
  readonly refused: readonly Refused[];
  readonly advances: readonly Advance[];
};

export type BatchResult = {
  readonly outcomes: readonly FoldOutcome<unknown>[];
  readonly deadLetters: readonly Refused[];
};

/** `prepare`, or its default: the record's key is the state's key. */
export async function prepareInputs<S, F>(
  processor: Erased<S, F>,
  tx: Queries,
  events: readonly AnyInput[],
): Promise<readonly Prepared<F>[]> {
  // Without `prepare` the type of the facts is `undefined`.
  if (processor.prepare === undefined || events.length === 0)
    return events.map((event) => ({ key: event.key, facts: undefined as F }));
  const prepared = await processor.prepare(tx, events);
  invariant(prepared.length === events.length, `${processor.group}: prepare must answer every input`);
  return prepared;
}

export async function commitBatch(
  processor: Erased,
  deps: { readonly database: Database; readonly codec: Codec; readonly now: number },
  batch: Batch,
): Promise<BatchResult> {
  const { inputs, advances, refused } = batch;
  if (planted('commit-offset-first'))
    await deps.database.transaction((tx) => advancePositions(tx, processor.group, advances));
  return deps.database.transaction(async (tx) => {
    // 2. Find the keys and load their states: before the first write, so that this transaction's number is higher than
    //    that of everything it has seen. The outbox is published in that order.
    if (processor.parks === true) await lockForBatch(tx, processor.group);
    const events = inputs.map((input) => input.event);
    const prepared = await prepareInputs(processor, tx, events);
    const keys = prepared.map((p) => p.key);
    const parked = processor.parks === true ? await parkedKeysOf(tx, processor.group, [...new Set(keys)]) : undefined;
    const loaded = await processor.store.load(tx, [...new Set(keys)]);
    await fault('processor.loaded');
    // 3. Move the positions on. Where a row has another owner or place by now, this throws and everything is rolled back.
    if (!planted('commit-offset-first')) await advancePositions(tx, processor.group, advances);
    await fault('processor.advanced');
    // 4. Decide, in order.
    const folded = fold(
      processor,
      deps.codec,
      toFoldInputs(processor, events, prepared, { guarded: true }),
      loaded,
      deps.now,
      parked,
    );
    const deadLetters = [...refused, ...rejections(inputs, folded.outcomes)];
    refuseFlood(deadLetters, inputs.length + refused.length);
    // 5. Save the states, the events that follow and the dead letters.
    await processor.store.save(tx, folded.saves);
    await fault('processor.saved');
    const outbox = [...folded.outbox, ...toDeadLetters(processor.group, deadLetters, deps.now)];
    if (planted('publish-before-commit')) await outsideOfTransaction(() => insertOutbox(deps.database, outbox));
    else await insertOutbox(tx, outbox);
    await insertTimers(tx, folded.timers);
    if (parked !== undefined) await parkAfterFold(tx, processor.group, inputs, keys, folded.outcomes);
    await fault('processor.outbox');
    // 6. Commit: on return.
    return { outcomes: folded.outcomes, deadLetters };
  });
}

function rejections(inputs: readonly DecodedInput[], outcomes: readonly FoldOutcome<unknown>[]): Refused[] {
  return outcomes.flatMap((outcome, i) => {
    const input = inputs[i];
    if (outcome.decision?.kind !== 'reject' || input === undefined) return [];
    return [{ record: input.record, code: outcome.decision.code, detail: outcome.decision.detail, step: 'decide' }];
  });
}

export function toDeadLetters(group: string, refused: readonly Refused[], at: number): OutboxMessage[] {
  if (planted('drop-dead-letter')) return [];
  return refused.map(({ record, ...facts }) => {
    const { key, ...letter } = toDeadLetter(record, { group, at, ...facts });
    // Keys of ours are ids. The outbox holds text; what a foreign key of other bytes was stands in a header of the letter.
    return { ...letter, key: key === null ? null : key.toString('utf8') };
  });
}
