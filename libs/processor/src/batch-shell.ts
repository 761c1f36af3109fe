/**
 * The batch shell: fetches for the seven moves (batch.ts), in transactions of bounded size.
 *
 *   fetch ──▶ admitted ──fair chunks──▶ seven moves ──▶ seven moves ──▶ rest ──▶ next fetch
 *                                            │ a fault
 *                                            └──▶ again, or halves (batch-work.ts)
 *
 * A fault that may pass repeats the whole fetch (heartbeats go on in libs/kafka).
 */
import type { Consumer, PartitionBatch, RawRecord } from '@lead-flood/kafka';
import { createConsumer } from '@lead-flood/kafka';
import { createWork } from './batch-work.ts';
import { decodingOf, learnSchemas } from './decode.ts';
import { fairChunks } from './fair-chunks.ts';
import { createGatherWindow, restAfter } from './gather-window.ts';
import { createOffsetCommitter } from './offset-committer.ts';
import type { Owned, Ownership } from './ownership.ts';
import { createOwnership } from './ownership.ts';
import { placeKey } from './place-key.ts';
import type { Untyped } from './processor.ts';
import type { Running, ShellDeps, ShellOptions, Status } from './shell.ts';
import { fetchWaitMs, goingWell, shellDefaults } from './shell.ts';
import { beginUntilDone, untilDone } from './until-done.ts';

/** What a partition's batch is at most by the broker's default: one fetch brings at least one whole. */
const FETCH_BYTES_PER_PARTITION = 1_048_576;

export async function startBatchShell(
  processor: Untyped,
  deps: ShellDeps,
  options: ShellOptions = shellDefaults,
): Promise<Running> {
  const prefix = deps.topicPrefix ?? '';
  const status: Status = goingWell();
  const offsets = createOffsetCommitter(() => consumer);
  const ownership: Ownership = createOwnership(deps.database, processor.group, () => consumer, offsets);
  const processWork = createWork({ processor, decoding: decodingOf(processor, deps.codec, prefix), deps, offsets });
  const gathering = createGatherWindow(options.gatherMs);

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
      await offsets.stop();
      await consumer.stop();
    },
  };
}
