/**
 * The batch shell: everything that changes only our own database goes through these seven moves.
 *
 *   1 poll ─▶ decode          bad bytes become dead letters, the partition goes on
 *   2 load states        ┐
 *   3 advance positions  │    one transaction; a crash anywhere before its end leaves no trace,
 *   4 fold decisions     ├    and the same records come again
 *   5 save, outbox       │
 *   6 commit             ┘
 *   7 tell Kafka              only lag tools read it
 *
 * Faults: one that may pass repeats the whole batch (heartbeats go on in libs/kafka); one that the data causes halves
 * the batch until the one message stands alone and becomes a dead letter. When most of a batch would go there for one
 * reason, the shell stops and says so instead of draining the stream.
 */
import type { Consumer, PartitionBatch, RawRecord } from '@lead-flood/kafka';
import { createConsumer } from '@lead-flood/kafka';
import { InvariantError, TransientError, toError } from '@lead-flood/kernel';
import { classify } from '@lead-flood/postgres';
import type { Batch, BatchResult } from './batch.ts';
import { commitBatch } from './batch.ts';
import type { DecodedInput, Passed, Refused } from './decode.ts';
import { decodeRecord, decodingOf, isPassed, isRefused, learnSchemas, tracesOf } from './decode.ts';
import { createGatherWindow, restAfter } from './gather-window.ts';
import { countSetAside, FloodError, isolates } from './flood.ts';
import { createOffsetTeller } from './offset-teller.ts';
import type { Owned, Ownership } from './ownership.ts';
import { createOwnership } from './ownership.ts';
import type { Erased } from './processor.ts';
import type { Running, ShellDeps, ShellOptions, Status } from './shell.ts';
import { fetchWaitMs, shellDefaults } from './shell.ts';
import { beginUntilDone, untilDone } from './until-done.ts';

/** What a partition's batch is at most by the broker's default: one fetch brings at least one whole. */
const FETCH_BYTES_PER_PARTITION = 1_048_576;

/** Records of one or several partitions in order, and where each partition stood before them. */
type Work = { readonly records: readonly RawRecord[]; readonly places: ReadonlyMap<string, Owned> };

type DecodedBatch = Batch & { readonly passed: readonly Passed[] };

const placeKey = (at: { topic: string; partition: number }): string => `${at.topic}/${at.partition}`;

export async function startBatchShell(
  processor: Erased,
  deps: ShellDeps,
  options: ShellOptions = shellDefaults,
): Promise<Running> {
  const prefix = deps.topicPrefix ?? '';
  const decoding = decodingOf(processor, deps.codec, prefix);
  const status: Status = { halted: null };
  const teller = createOffsetTeller(() => consumer);
  const ownership: Ownership = createOwnership(deps.database, processor.group, () => consumer, teller);
  const gathering = createGatherWindow(options.gatherMs);
  const setAside = countSetAside();

  async function onFetch(batches: readonly PartitionBatch[]): Promise<boolean> {
    const beganAt = performance.now();
    const done = await untilDone(processor, deps, ownership, status, batches, () => processFetch(batches));
    await restAfter(gathering, batches, beganAt);
    return done;
  }

  async function processFetch(batches: readonly PartitionBatch[]): Promise<void> {
    const places = new Map<string, Owned>();
    const records: RawRecord[] = [];
    for (const batch of batches) {
      const place = await ownership.admit(batch);
      if (place === null) continue;
      places.set(placeKey(batch), place);
      for (const record of batch.records) if (record.offset >= place.nextOffset) records.push(record);
      deps.telemetry.lag(
        processor.group,
        batch.topic,
        batch.partition,
        batch.highWatermark - (batch.records.at(-1)?.offset ?? 0) - 1,
      );
    }
    // Unknown schemas are fetched before move 1, which never waits; while the registry is away the batch stands here.
    await learnSchemas(deps.codec, records);
    for (let start = 0; start < records.length; start += options.batchMessagesMax) {
      await processWork({ records: records.slice(start, start + options.batchMessagesMax), places });
    }
  }

  async function processWork(work: Work): Promise<void> {
    const startedAt = performance.now();
    try {
      // 1. Decode.
      const batch = toBatch(work);
      // 2 to 6. Load, advance, decide, save, commit: batch.ts.
      const result = await commitBatch(processor, { ...deps, now: deps.clock.now() }, batch);
      settle(work, batch, result, performance.now() - startedAt);
      // 7. Tell Kafka.
      teller.tell(batch.advances);
      setAside.passed(work.records.length);
    } catch (thrown) {
      const error = classify(thrown);
      if (error instanceof TransientError || error instanceof InvariantError || error instanceof FloodError)
        throw error;
      if (!isolates(error)) throw new FloodError('PRC_ERR_UNSTORABLE', work.records.length, work.records.length);
      await isolate(work, error);
    }
  }

  function toBatch({ records, places }: Work): DecodedBatch {
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

  /** What is known here of the positions, and what is told of the outcomes, follows the commit. */
  function settle(work: Work, batch: DecodedBatch, result: BatchResult, durationMs: number): void {
    for (const advance of batch.advances) {
      const place = work.places.get(placeKey(advance));
      if (place !== undefined) place.nextOffset = advance.nextOffset;
    }
    const { group } = processor;
    result.outcomes.forEach(({ outcome, reason }, i) => {
      deps.telemetry.outcome(group, batch.inputs[i]?.event.source ?? '', outcome, reason);
    });
    batch.refused.forEach(({ record, code }) => {
      deps.telemetry.outcome(group, record.topic.slice(prefix.length), 'rejected', code);
    });
    for (const { record, ignored } of batch.passed)
      deps.telemetry.outcome(group, record.topic.slice(prefix.length), 'skipped', ignored);
    deps.telemetry.batch(group, work.records.length, durationMs, tracesOf(batch.inputs));
    deps.wakeRelay();
  }

  /** Something in the data makes the database refuse: halve until one message is left. */
  async function isolate(work: Work, error: Error): Promise<void> {
    const { records, places } = work;
    const [only] = records;
    if (only === undefined) return;
    if (records.length > 1) {
      const middle = records.length >> 1;
      await processWork({ records: records.slice(0, middle), places });
      await processWork({ records: records.slice(middle), places });
      return;
    }
    const flood = setAside.next('PRC_ERR_UNSTORABLE');
    if (flood !== null) throw flood;
    deps.telemetry.error(processor.group, error, 'a message was set aside');
    const refused: Refused = { record: only, code: 'PRC_ERR_UNSTORABLE', detail: codeOf(error), step: 'save' };
    const batch = { inputs: [], refused: [refused], passed: [], advances: toBatch(work).advances };
    settle(work, batch, await commitBatch(processor, { ...deps, now: deps.clock.now() }, batch), 0);
    teller.tell(batch.advances);
    setAside.add();
  }

  const consumer: Consumer = await createConsumer({
    client: deps.client,
    group: prefix + processor.group,
    topics: processor.reads.map((topic) => prefix + topic.name),
    sessionTimeoutMs: options.sessionTimeoutMs,
    fetchBytesMax: FETCH_BYTES_PER_PARTITION,
    fetchWaitMs,
    onFetch,
    onAssigned: (partitions, seek) => void beginUntilDone(ownership, deps, processor.group, partitions, seek),
    onFatal: deps.onFatal,
  });
  return {
    lastSeenAt: consumer.lastSeenAt,
    halted: () => status.halted,
    stop: async () => {
      await teller.stop();
      await consumer.stop();
    },
  };
}

const codeOf = (error: Error): string => {
  const cause = toError(error.cause ?? error);
  return 'code' in cause && typeof cause.code === 'string' ? `SQLSTATE ${cause.code}` : error.name;
};
