/**
 * Which partitions this process owns and where it stands in each. The truth is the row in Postgres; this is the copy
 * that lets a batch be checked without asking.
 *
 *   assignment ──▶ seek to the row's offset
 *   first records of a partition in an assignment ──▶ claim (epoch + 1) ──▶ at the row's offset? ──yes──▶ process
 *                                                                               │ no
 *                                                                               └──▶ seek there, drop what came
 */
import type { Assignment, Consumer, PartitionBatch } from '@lead-flood/kafka';
import { invariant } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { claimPositions, readPositions } from '@lead-flood/postgres';
import { placeKey } from './place-key.ts';
import type { OffsetCommitter } from './offset-committer.ts';

export type Owned = { epoch: number; nextOffset: number; finished: Set<number>; readonly generation: number };

export type Ownership = {
  /** Each partition's place, or null where the consumer was sent elsewhere and these records must be dropped. */
  readonly admit: (batches: readonly PartitionBatch[]) => Promise<readonly (Owned | null)[]>;
  /** Sends every partition of a new assignment to where its row says, since a quiet topic brings nothing to compare with. */
  readonly begin: (assignment: Assignment) => Promise<void>;
  /** Whether what the next records of a partition would be given is this place, and not one that is claimed for them. */
  readonly holds: (place: Owned, batch: PartitionBatch) => boolean;
  /** Forgets these places, or all: the next records of their partitions claim them anew. */
  readonly forget: (places?: ReadonlySet<Owned>) => void;
};

/** `offsets` hears of every place that is taken over: the one before may have ended without telling it, and no message may come. */
export function createOwnership(
  database: Database,
  group: string,
  consumer: () => Pick<Consumer, 'seek'>,
  offsets: Pick<OffsetCommitter, 'commit' | 'forget'>,
): Ownership {
  const owned = new Map<string, Owned>();
  const soughtTo = new Map<string, number>();

  const heldFor = (batch: PartitionBatch): Owned | undefined => {
    const place = owned.get(placeKey(batch));
    return place?.generation === batch.generation ? place : undefined;
  };

  async function claim(batches: readonly PartitionBatch[]): Promise<ReadonlyMap<string, Owned>> {
    if (batches.length === 0) return new Map();
    const generations = new Map(batches.map((batch) => [placeKey(batch), batch.generation]));
    const positions = await claimPositions(database, group, batches);
    offsets.commit(positions);
    const claimed = new Map<string, Owned>();
    for (const position of positions) {
      const at = placeKey(position);
      const generation = generations.get(at);
      invariant(generation !== undefined, `${group} has claimed ${at} without asking for it`);
      const { epoch, nextOffset, finished } = position;
      const place = { epoch, nextOffset, finished: new Set(finished), generation };
      claimed.set(at, place);
      owned.set(at, place);
      soughtTo.delete(at);
    }
    return claimed;
  }

  /** The place, unless these records are not what follows it: then the consumer is sent there. */
  function unlessElsewhere(place: Owned, batch: PartitionBatch): Owned | null {
    const at = placeKey(batch);
    const first = batch.records[0]?.offset ?? place.nextOffset;
    // A gap that stays after one seek is retention or compaction, not a lost place.
    const gap = first > place.nextOffset && soughtTo.get(at) !== place.nextOffset;
    const last = batch.records.at(-1)?.offset ?? -1;
    if (!gap && last >= place.nextOffset) return place;
    soughtTo.set(at, place.nextOffset);
    consumer().seek(batch.topic, batch.partition, place.nextOffset);
    return null;
  }

  return {
    async admit(batches) {
      const held = new Map(batches.map((batch) => [batch, heldFor(batch)]));
      const claimed = await claim(batches.filter((batch) => held.get(batch) === undefined));
      return batches.map((batch) => {
        const place = held.get(batch) ?? claimed.get(placeKey(batch));
        invariant(place !== undefined, `${group} has claimed ${placeKey(batch)}`);
        return unlessElsewhere(place, batch);
      });
    },
    begin: (assignment) => seekToRows(database, group, offsets, assignment),
    holds: (place, batch) => heldFor(batch) === place,
    forget: (places) => {
      for (const [at, place] of owned) {
        if (places !== undefined && !places.has(place)) continue;
        owned.delete(at);
        soughtTo.delete(at);
      }
    },
  };
}

async function seekToRows(
  database: Database,
  group: string,
  offsets: Pick<OffsetCommitter, 'commit' | 'forget'>,
  { partitions, seek, isCurrent }: Assignment,
): Promise<void> {
  offsets.forget();
  const rows = new Map((await readPositions(database, group)).map((p) => [placeKey(p), p]));
  if (!isCurrent()) return;
  for (const [topic, numbers] of Object.entries(partitions)) {
    for (const partition of numbers) {
      const row = rows.get(placeKey({ topic, partition }));
      seek(topic, partition, row?.nextOffset ?? 0);
      if (row !== undefined) offsets.commit([{ topic, partition, nextOffset: row.nextOffset }]);
    }
  }
}
