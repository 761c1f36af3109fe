/**
 * The batch shell: fetches for the seven moves (batch.ts), in transactions of bounded size.
 *
 *   fetch ──▶ admitted ──fair chunks──▶ seven moves ──▶ seven moves ──▶ rest ──▶ next fetch
 *                                            │ a fault
 *                                            └──▶ again, or halves
 *
 * Faults: one that may pass repeats the whole batch (heartbeats go on in libs/kafka); one that the data causes halves
 * the batch until the one message stands alone and becomes a dead letter, and so does a conflict that comes back in try
 * after try, whatever its reason. When most of a batch would go there for one
 * reason, the shell stops and says so instead of draining the stream.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer, PartitionBatch, RawRecord } from '@lead-flood/kafka';
import { createConsumer } from '@lead-flood/kafka';
import { InvariantError, TransientError, toError } from '@lead-flood/kernel';
import { classify, isConflict } from '@lead-flood/postgres';
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
import { fetchWaitMs, goingWell, shellDefaults } from './shell.ts';
import { beginUntilDone, CONFLICTS_MAX, retryPauseMs, untilDone } from './until-done.ts';

/** What a partition's batch is at most by the broker's default: one fetch brings at least one whole. */
const FETCH_BYTES_PER_PARTITION = 1_048_576;

export async function startBatchShell(
  processor: Untyped,
  deps: ShellDeps,
  options: ShellOptions = shellDefaults,
): Promise<Running> {
  const prefix = deps.topicPrefix ?? '';
  const status: Status = goingWell();
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
      if (batches.some((batch) => batch.leaving())) return false;
      await processWork({ records, places });
    }
    return true;
  }

  async function processWork(work: Work, tries = 1): Promise<void> {
    try {
      await processRecords(moves, work);
      setAside.passed(work.records.length);
    } catch (thrown) {
      const error = classify(thrown);
      if (isConflict(error)) {
        await afterConflict(work, error, tries);
        return;
      }
      if (error instanceof TransientError || error instanceof InvariantError || error instanceof FloodError)
        throw error;
      if (!isolates(error)) throw new FloodError('PRC_ERR_UNSTORABLE', work.records.length, work.records.length);
      await isolate(work, error);
    }
  }

  /** Others' transactions are over in some milliseconds; who still conflicts then has the reason in its own data. */
  async function afterConflict(work: Work, error: Error, tries: number): Promise<void> {
    deps.telemetry.error(processor.group, error, 'a batch is repeated');
    if (tries === CONFLICTS_MAX) {
      await isolate(work, error);
      return;
    }
    await delay(retryPauseMs(tries - 1));
    await processWork(work, tries + 1);
  }

  /** Something in the data makes the database refuse: halve until one message is left. */
  async function isolate(work: Work, error: Error): Promise<void> {
    const { records, places } = work;
    const [only] = records;
    if (only === undefined) return;
    if (records.length > 1) {
      const middle = records.length >> 1;
      for (const half of [records.slice(0, middle), records.slice(middle)])
        await processWork({ records: half, places }, triesOfHalf(half, error));
      return;
    }
    const code = isConflict(error) ? 'PRC_ERR_NO_PROGRESS' : 'PRC_ERR_UNSTORABLE';
    const flood = setAside.next(code);
    if (flood !== null) throw flood;
    deps.telemetry.error(processor.group, error, 'a message was set aside');
    const refused: Refused = { record: only, code, detail: codeOf(error), step: 'save' };
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
    failingSince: () => status.failingSince,
    stop: async () => {
      await teller.stop();
      await consumer.stop();
    },
  };
}

/** Halves of what keeps conflicting are not waited for again; only the one message in the end is given a chance. */
const triesOfHalf = (half: readonly RawRecord[], error: Error): number =>
  !isConflict(error) ? 1 : half.length > 1 ? CONFLICTS_MAX : CONFLICTS_MAX - 2;

const codeOf = (error: Error): string => {
  const cause = toError(error.cause ?? error);
  return 'code' in cause && typeof cause.code === 'string' ? `SQLSTATE ${cause.code}` : error.name;
};
