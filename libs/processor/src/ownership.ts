/**
 * Which partitions this process owns and where it stands in each. The truth is the row in Postgres; this is the copy
 * that lets a batch be checked without asking.
 *
 *   assignment ──▶ seek to the row's offset
 *   first records of a partition in an assignment ──▶ claim (epoch + 1) ──▶ at the row's offset? ──yes──▶ process
 *                                                                               │ no
 *                                                                               └──▶ seek there, drop what came
 */
import type { Consumer, PartitionBatch } from '@lead-flood/kafka';
import type { Database, Position } from '@lead-flood/postgres';
import { claimPosition, readPositions } from '@lead-flood/postgres';
import type { OffsetTeller } from './offset-teller.ts';

export type Owned = { epoch: number; nextOffset: number; finished: Set<number>; readonly generation: number };

export type Ownership = {
  /** The partition's place, or null when the consumer was sent elsewhere and these records must be dropped. */
  readonly admit: (batch: PartitionBatch) => Promise<Owned | null>;
  /** Sends every partition of a new assignment to where its row says, since a quiet topic brings nothing to compare with. */
  readonly begin: (partitions: Readonly<Record<string, readonly number[]>>, seek: Consumer['seek']) => Promise<void>;
  /** Whether what the next records of a partition would be given is this place, and not one that is claimed for them. */
  readonly holds: (place: Owned, batch: PartitionBatch) => boolean;
  /** Forgets these places, or all: the next records of their partitions claim them anew. */
  readonly forget: (places?: ReadonlySet<Owned>) => void;
};

/** `teller` hears of every place that is taken over: the one before may have ended without telling it, and no message may come. */
export function createOwnership(
  database: Database,
  group: string,
  consumer: () => Pick<Consumer, 'seek'>,
  teller: Pick<OffsetTeller, 'tell' | 'forget'>,
): Ownership {
  const owned = new Map<string, Owned>();
  const soughtTo = new Map<string, number>();

  async function claim(batch: PartitionBatch): Promise<Owned> {
    const { topic, partition, generation } = batch;
    // Without a row this group has never been here: from the very beginning, whatever Kafka remembers of it.
    const position: Position = await claimPosition(database, group, { topic, partition, startOffset: 0 });
    teller.tell([{ topic, partition, nextOffset: position.nextOffset }]);
    return { epoch: position.epoch, nextOffset: position.nextOffset, finished: new Set(position.finished), generation };
  }

  return {
    async admit(batch) {
      const at = `${batch.topic}/${batch.partition}`;
      let place = owned.get(at);
      if (place === undefined || place.generation !== batch.generation) {
        place = await claim(batch);
        owned.set(at, place);
        soughtTo.delete(at);
      }
      const first = batch.records[0]?.offset ?? place.nextOffset;
      // A gap that stays after one seek is retention or compaction, not a lost place.
      const gap = first > place.nextOffset && soughtTo.get(at) !== place.nextOffset;
      const last = batch.records.at(-1)?.offset ?? -1;
      if (gap || last < place.nextOffset) {
        soughtTo.set(at, place.nextOffset);
        consumer().seek(batch.topic, batch.partition, place.nextOffset);
        return null;
      }
      return place;
    },
    async begin(partitions, seek) {
      teller.forget();
      const rows = new Map((await readPositions(database, group)).map((p) => [`${p.topic}/${p.partition}`, p]));
      for (const [topic, numbers] of Object.entries(partitions)) {
        for (const partition of numbers) {
          const row = rows.get(`${topic}/${partition}`);
          seek(topic, partition, row?.nextOffset ?? 0);
          if (row !== undefined) teller.tell([{ topic, partition, nextOffset: row.nextOffset }]);
        }
      }
    },
    holds: (place, { topic, partition, generation }) =>
      place.generation === generation && owned.get(`${topic}/${partition}`) === place,
    forget: (places) => {
      for (const [at, place] of owned) {
        if (places !== undefined && !places.has(place)) continue;
        owned.delete(at);
        soughtTo.delete(at);
      }
    },
  };
}
