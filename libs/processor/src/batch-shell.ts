/**
 * The batch shell: fetches for the seven moves (batch.ts), in transactions of bounded size.
 *
 *   fetch ──▶ admitted ──fair chunks──▶ seven moves ──▶ seven moves ──▶ rest ──▶ next fetch
 *                                            │ a fault
 *                                            └──▶ again, or halves
 *
 * Faults: one that may pass repeats the whole batch (heartbeats go on in libs/kafka); one that the data causes halves
 * the batch until the one message stands alone and becomes a dead letter. When most of a batch would go there for one
 * reason, the shell stops and says so instead of draining the stream.
 */
import type { Consumer, PartitionBatch, RawRecord } from '@lead-flood/kafka';
import { createConsumer } from '@lead-flood/kafka';
import { InvariantError, planted, TransientError, toError } from '@lead-flood/kernel';
import { classify } from '@lead-flood/postgres';
import type { Moves, Work } from './batch.ts';
import { processRecords } from './batch.ts';
import type { Refused } from './decode.ts';
import { decodingOf, learnSchemas } from './decode.ts';
import { fairChunks } from './fair-chunks.ts';
import { createGatherWindow, restAfter } from './gather-window.ts';
import { countSetAside, FloodError, isolates } from './flood.ts';
import { createOffsetTeller } from './offset-teller.ts';
import type { Owned, Ownership } from './ownership.ts';
import { createOwnership } from './ownership.ts';
import { placeKey } from './place-key.ts';
import type { Untyped } from './processor.ts';
import type { Running, ShellDeps, ShellOptions, Status } from './shell.ts';
import { fetchWaitMs, shellDefaults } from './shell.ts';
import { beginUntilDone, untilDone } from './until-done.ts';

/** What a partition's batch is at most by the broker's default: one fetch brings at least one whole. */
const FETCH_BYTES_PER_PARTITION = 1_048_576;

export async function startBatchShell(
  processor: Untyped,
  deps: ShellDeps,
  options: ShellOptions = shellDefaults,
): Promise<Running> {
  const prefix = deps.topicPrefix ?? '';
  const status: Status = { halted: null };
  const teller = createOffsetTeller(() => consumer);
  const ownership: Ownership = createOwnership(deps.database, processor.group, () => consumer, teller);
  const moves: Moves = { processor, decoding: decodingOf(processor, deps.codec, prefix), deps, teller };
  const gathering = createGatherWindow(options.gatherMs);
  const setAside = countSetAside();

  async function onFetch(batches: readonly PartitionBatch[]): Promise<boolean> {
    const beganAt = performance.now();
    const done = await untilDone(processor, deps, ownership, status, batches, () => processFetch(batches));
    await restAfter(gathering, batches, beganAt);
    return done;
  }

  /** False: stopped in the middle, for the group waits until we give our partitions up. */
  async function processFetch(batches: readonly PartitionBatch[]): Promise<boolean> {
    const places = new Map<string, Owned>();
    const runs: RawRecord[][] = [];
    const admitted = await ownership.admit(batches);
    for (const [i, batch] of batches.entries()) {
      const place = admitted[i] ?? null;
      if (place === null) continue;
      places.set(placeKey(batch), place);
      runs.push(batch.records.filter((record) => record.offset >= place.nextOffset));
      deps.telemetry.lag(
        processor.group,
        batch.topic,
        batch.partition,
        batch.highWatermark - (batch.records.at(-1)?.offset ?? 0) - 1,
      );
    }
    // Unknown schemas are fetched before move 1, which never waits; while the registry is away the batch stands here.
    await learnSchemas(deps.codec, runs.flat());
    for (const records of fairChunks(runs, options.batchMessagesMax)) {
      if (batches.some((batch) => batch.leaving()) && !planted('leave-after-fetch')) return false;
      await processWork({ records, places });
    }
    return true;
  }

  async function processWork(work: Work): Promise<void> {
    try {
      await processRecords(moves, work);
      setAside.passed(work.records.length);
    } catch (thrown) {
      const error = classify(thrown);
      if (error instanceof TransientError || error instanceof InvariantError || error instanceof FloodError)
        throw error;
      if (!isolates(error)) throw new FloodError('PRC_ERR_UNSTORABLE', work.records.length, work.records.length);
      await isolate(work, error);
    }
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
    await processRecords(moves, work, refused);
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
    onAssigned: (assignment) => void beginUntilDone(ownership, deps, processor.group, assignment),
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
