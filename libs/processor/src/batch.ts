/**
 * The seven moves, for records of one or several partitions: everything that changes only our own database goes through
 * them.
 *
 *   1 decode                  bad bytes become dead letters, the partition goes on
 *   2 load states        ┐
 *   3 advance positions  │    one transaction of about five statements, whatever the number of records; a crash
 *   4 fold decisions     ├    anywhere before its end leaves no trace, and the same records come again
 *   5 save, outbox       │
 *   6 commit             ┘
 *   7 tell Kafka              only lag tools and the admission of imports read it
 *
 * What is fetched when, and what becomes of faults, is batch-shell.ts.
 */
import { toDeadLetter } from '@lead-flood/kafka';
import type { Codec, RawRecord } from '@lead-flood/kafka';
import { fault, invariant } from '@lead-flood/kernel';
import type { Advance, Database, OutboxMessage, Queries } from '@lead-flood/postgres';
import {
  advancePositions,
  insertOutbox,
  insertTimers,
  lockForBatch,
  parkedKeysOf,
  toStorable,
} from '@lead-flood/postgres';
import type { DecodedInput, Decoding, Passed, Refused } from './decode.ts';
import { decodeRecord, isPassed, isRefused, tracesOf } from './decode.ts';
import { parkAfterFold } from './park.ts';
import { refuseFlood } from './flood.ts';
import type { FoldOutcome } from './fold.ts';
import { fold, toFoldInputs } from './fold.ts';
import type { OffsetCommitter } from './offset-committer.ts';
import type { Owned } from './ownership.ts';
import { placeKey } from './place-key.ts';
import type { AnyInput, Untyped, Placed } from './processor.ts';
import type { ShellDeps } from './shell.ts';

/** Records in order, those of a partition together, and where each partition stood before them. */
export type Work = { readonly records: readonly RawRecord[]; readonly places: ReadonlyMap<string, Owned> };

export type Moves = {
  readonly processor: Untyped;
  readonly decoding: Decoding;
  readonly deps: Pick<ShellDeps, 'database' | 'codec' | 'clock' | 'telemetry' | 'wakeRelay'>;
  readonly offsets: Pick<OffsetCommitter, 'commit'>;
};

/** What move 1 makes of the records, and move 3 of their ends. */
export type Batch = {
  readonly inputs: readonly DecodedInput[];
  readonly refused: readonly Refused[];
  readonly advances: readonly Advance[];
};

type DecodedBatch = Batch & { readonly passed: readonly Passed[] };

type Outcomes = readonly FoldOutcome<unknown>[];

/**
 * All seven. `setAside`: a record of them that is not to be decided, because the database has refused it, and becomes a
 * dead letter. Throws what any of them threw; nothing is changed then.
 */
export async function processRecords(moves: Moves, work: Work, setAside?: Refused): Promise<void> {
  const { processor, deps, offsets } = moves;
  const startedAt = performance.now();
  // 1. Decode.
  const decoded = decode(moves.decoding, work);
  const batch = setAside === undefined ? decoded : { ...decoded, inputs: [], passed: [], refused: [setAside] };
  // 2 to 6.
  const outcomes = await commitBatch(processor, { ...deps, now: deps.clock.now() }, batch);
  for (const advance of batch.advances) {
    const place = work.places.get(placeKey(advance));
    if (place !== undefined) place.nextOffset = advance.nextOffset;
  }
  processor.committed?.(batch.inputs.map(({ event }) => event));
  deps.wakeRelay();
  report(moves, batch, outcomes, performance.now() - startedAt);
  // 7. Tell Kafka.
  offsets.commit(batch.advances);
}

function decode(decoding: Decoding, { records, places }: Work): DecodedBatch {
  const inputs: DecodedInput[] = [];
  const refused: Refused[] = [];
  const passed: Passed[] = [];
  const ends = new Map<string, RawRecord>();
  records.forEach((record, i) => {
    const input = decodeRecord(decoding, record);
    if (isRefused(input)) refused.push(input);
    else if (isPassed(input)) passed.push(input);
    else inputs.push(input);
    // A partition's records stand together.
    const next = records[i + 1];
    if (next?.partition !== record.partition || next.topic !== record.topic) ends.set(placeKey(record), record);
  });
  const advances = [...ends].flatMap(([key, { topic, partition, offset }]) => {
    const place = places.get(key);
    if (place === undefined) return [];
    return [
      {
        topic,
        partition,
        epoch: place.epoch,
        expectedOffset: place.nextOffset,
        nextOffset: offset + 1,
        finished: [],
      },
    ];
  });
  return { inputs, refused, passed, advances };
}

export async function commitBatch(
  processor: Untyped,
  deps: { readonly database: Database; readonly codec: Codec; readonly now: number },
  batch: Batch,
): Promise<Outcomes> {
  const { inputs, advances, refused } = batch;
  return deps.database.transaction(async (tx) => {
    // 2. Find the keys and load their states: before the first write, so that this transaction's number is higher than
    //    that of everything it has seen. The outbox is published in that order.
    if (processor.parks === true) await lockForBatch(tx, processor.group);
    const events = inputs.map((input) => input.event);
    const placed = await placeInputs(processor, tx, events);
    const keys = placed.map((p) => p.key);
    const parked = processor.parks === true ? await parkedKeysOf(tx, processor.group, [...new Set(keys)]) : undefined;
    const loaded = await processor.store.load(tx, [...new Set(keys)]);
    await fault('processor.loaded');
    // 3. Move the positions on. Where a row has another owner or place by now, this throws and everything is rolled back.
    await advancePositions(tx, processor.group, advances);
    await fault('processor.advanced');
    // 4. Decide, in order.
    const folded = fold(
      processor,
      deps.codec,
      toFoldInputs(processor, events, placed, { guarded: true }),
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
    await insertOutbox(tx, outbox);
    await insertTimers(tx, folded.timers);
    if (parked !== undefined) await parkAfterFold(tx, processor.group, inputs, keys, folded.outcomes);
    await fault('processor.outbox');
    // 6. Commit: on return.
    return folded.outcomes;
  });
}

/** By `keyOf` and `facts`, or by `claim`; without any of them the record's key is the state's key. */
export async function placeInputs<S, F>(
  processor: Untyped<S, F>,
  tx: Queries,
  events: readonly AnyInput[],
): Promise<readonly Placed<F>[]> {
  const { group, claim, keyOf, facts } = processor;
  if (events.length === 0) return [];
  if (claim !== undefined) {
    const placed = await claim(tx, events);
    invariant(placed.length === events.length, `${group}: claim must answer every input`);
    return placed;
  }
  const known = await facts?.(tx, events);
  invariant(known === undefined || known.length === events.length, `${group}: facts must answer every input`);
  // Without `facts` their type is `undefined`.
  return events.map((event, i) => ({ key: keyOf?.(event) ?? event.key, facts: known?.[i] as F }));
}

/** What is told of a batch follows its commit. */
function report(
  { processor: { group }, decoding: { topicPrefix }, deps: { telemetry } }: Moves,
  { inputs, refused, passed }: DecodedBatch,
  outcomes: Outcomes,
  durationMs: number,
): void {
  const sourceOf = ({ topic }: RawRecord): string => topic.slice(topicPrefix.length);
  outcomes.forEach(({ outcome, reason }, i) => {
    telemetry.outcome(group, inputs[i]?.event.source ?? '', outcome, reason);
  });
  for (const { record, code } of refused) telemetry.outcome(group, sourceOf(record), 'rejected', code);
  for (const { record, ignored } of passed) telemetry.outcome(group, sourceOf(record), 'skipped', ignored);
  const messages = inputs.length + refused.length + passed.length;
  telemetry.batch(group, messages, durationMs, tracesOf(inputs));
}

function rejections(inputs: readonly DecodedInput[], outcomes: readonly FoldOutcome<unknown>[]): Refused[] {
  return outcomes.flatMap((outcome, i) => {
    const input = inputs[i];
    if (outcome.decision?.kind !== 'reject' || input === undefined) return [];
    return [{ record: input.record, code: outcome.decision.code, detail: outcome.decision.detail, step: 'decide' }];
  });
}

export function toDeadLetters(group: string, refused: readonly Refused[], at: number): OutboxMessage[] {
  return refused.map(({ record, ...facts }) => {
    const { key, ...letter } = toDeadLetter(record, { group, at, ...facts });
    // Keys of ours are ids. The outbox holds text; what a foreign key of other bytes was stands in a header of the letter.
    return { ...letter, key: key === null ? null : toStorable(key.toString('utf8')) };
  });
}
