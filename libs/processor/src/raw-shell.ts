/**
 * The batch shell without decoding and deciding: for records that are kept as they are (the dead-letter archive). The
 * same promise: positions and rows change in one transaction, so a replay writes nothing twice.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer, PartitionBatch, RawRecord } from '@lead-flood/kafka';
import { createConsumer, withTopic } from '@lead-flood/kafka';
import { invariant } from '@lead-flood/kernel';
import type { Advance, Queries } from '@lead-flood/postgres';
import { advancePositions } from '@lead-flood/postgres';
import { beginUntilDone, untilDone } from './until-done.ts';
import { createOffsetCommitter } from './offset-committer.ts';
import { createOwnership } from './ownership.ts';
import type { Running, ShellDeps, Status } from './shell.ts';
import { fetchWaitMs, goingWell, shellDefaults } from './shell.ts';

export type RawProcessor = {
  readonly group: string;
  readonly topics: readonly string[];
  /** Must tolerate a record that it has saved before. */
  readonly save: (tx: Queries, records: readonly RawRecord[]) => Promise<void>;
};

/** What a partition's batch is at most by the broker's default: one fetch brings at least one whole. */
const FETCH_BYTES_PER_PARTITION = 1_048_576;
/** Nobody waits for an archive: a pause after each fetch, so that what comes meanwhile goes with it. */
const GATHER_MS = 200;

export async function startRawShell({ group, topics, save }: RawProcessor, deps: ShellDeps): Promise<Running> {
  const prefix = deps.topicPrefix ?? '';
  const status: Status = goingWell();
  const offsets = createOffsetCommitter(() => consumer);
  const ownership = createOwnership(deps.database, group, () => consumer, offsets);

  async function commit(batches: readonly PartitionBatch[]): Promise<void> {
    const advances: Advance[] = [];
    const records: RawRecord[] = [];
    const moved: (() => void)[] = [];
    const places = await ownership.admit(batches);
    for (const [i, batch] of batches.entries()) {
      const place = places[i] ?? null;
      const fresh = place === null ? [] : batch.records.filter((record) => record.offset >= place.nextOffset);
      const last = fresh.at(-1);
      if (place === null || last === undefined) continue;
      const nextOffset = last.offset + 1;
      records.push(...fresh);
      advances.push({
        topic: batch.topic,
        partition: batch.partition,
        epoch: place.epoch,
        expectedOffset: place.nextOffset,
        nextOffset,
        finished: [],
      });
      moved.push(() => {
        place.nextOffset = nextOffset;
      });
    }
    if (advances.length === 0) return;
    await deps.database.transaction(async (tx) => {
      await advancePositions(tx, group, advances);
      await save(tx, withoutPrefix(records, prefix));
    });
    for (const move of moved) move();
    offsets.commit(advances);
    deps.telemetry.batch(group, records.length, 0, []);
  }

  invariant(topics.length > 0, `${group} reads nothing`);
  const consumer: Consumer = await createConsumer({
    client: deps.client,
    group: prefix + group,
    topics: topics.map((topic) => prefix + topic),
    sessionTimeoutMs: shellDefaults.sessionTimeoutMs,
    fetchBytesMax: FETCH_BYTES_PER_PARTITION,
    fetchWaitMs,
    onFetch: async (batches) => {
      const done = await untilDone({ group }, deps, ownership, status, batches, async () => {
        await commit(batches);
        return true;
      });
      await delay(GATHER_MS);
      return done;
    },
    onAssigned: (assignment) => void beginUntilDone(ownership, deps, group, assignment),
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

const withoutPrefix = (records: readonly RawRecord[], prefix: string): readonly RawRecord[] =>
  prefix === '' ? records : records.map((record) => withTopic(record, record.topic.slice(prefix.length)));
