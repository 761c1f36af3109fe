/**
 * Where a consumer group stands, in the same database as the state that its messages change. The epoch counts owners:
 * whoever claims a partition raises it, and every write of an earlier owner then finds no row.
 */
import { z } from 'zod';
import { fault, TransientError } from '@lead-flood/kernel';
import { numbers, texts } from './arrays.ts';
import { sql } from './database.ts';
import type { Queries } from './database.ts';

export type Position = {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  readonly nextOffset: number;
  /** Offsets beyond `nextOffset` that are done already. */
  readonly finished: readonly number[];
};

export type Advance = {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  readonly expectedOffset: number;
  /**
   * How many were done beyond it. A commit that leaves the position where it was adds to them, so only their number tells that
   * it has taken place; who moves the position with every commit need not say.
   */
  readonly expectedFinished?: number;
  readonly nextOffset: number;
  readonly finished: readonly number[];
};

const row = z.object({
  topic: z.string(),
  partition: z.int(),
  epoch: z.int(),
  next_offset: z.int(),
  finished: z.array(z.int()),
});

const toPosition = (r: z.infer<typeof row>): Position => ({
  topic: r.topic,
  partition: r.partition,
  epoch: r.epoch,
  nextOffset: r.next_offset,
  finished: r.finished,
});

/**
 * Takes these partitions over, in one statement, since a new member has all of its partitions to claim before its first
 * record. A row's next offset counts; where there is no row yet, the group begins at zero, whatever Kafka remembers of it.
 */
export async function claimPositions(
  tx: Queries,
  group: string,
  places: readonly { readonly topic: string; readonly partition: number }[],
): Promise<readonly Position[]> {
  await fault('position.claim.before');
  const rows = await tx.any(sql.type(row)`
    insert into positions (consumer_group, topic, partition, next_offset)
    select ${group}, topic, partition, 0
    from unnest(
      ${texts(places.map(({ topic }) => topic))}::text[],
      ${numbers(places.map(({ partition }) => partition))}::int[]
    ) as place(topic, partition)
    -- Two claims at once, of a member and of the one that it thinks gone, meet in one order.
    order by topic, partition
    on conflict (consumer_group, topic, partition) do update set epoch = positions.epoch + 1, updated_at = now()
    returning topic, partition, epoch, next_offset, finished
  `);
  await fault('position.claim.after');
  return rows.map(toPosition);
}

/**
 * Moves on, or throws `PGS_ERR_NOT_OWNER` (and so rolls back) when any partition has another owner's number, or another place
 * (with what was done beyond it) than the owner left it at.
 */
export async function advancePositions(tx: Queries, group: string, advances: readonly Advance[]): Promise<void> {
  const { rowCount } = await tx.query(sql.unsafe`
    update positions p
    set next_offset = a.next_offset, finished = a.finished::bigint[], updated_at = now()
    from unnest(
      ${texts(advances.map((a) => a.topic))}::text[],
      ${numbers(advances.map((a) => a.partition))}::int[],
      ${numbers(advances.map((a) => a.epoch))}::bigint[],
      ${numbers(advances.map((a) => a.expectedOffset))}::bigint[],
      ${numbers(advances.map((a) => a.expectedFinished ?? null))}::int[],
      ${numbers(advances.map((a) => a.nextOffset))}::bigint[],
      ${texts(advances.map((a) => numbers(a.finished)))}::text[]
    ) as a(topic, partition, epoch, expected_offset, expected_finished, next_offset, finished)
    where p.consumer_group = ${group} and p.topic = a.topic and p.partition = a.partition
      and p.epoch = a.epoch and p.next_offset = a.expected_offset
      and (a.expected_finished is null or a.expected_finished = cardinality(p.finished))
  `);
  if (rowCount !== advances.length) {
    throw new TransientError(
      'PGS_ERR_NOT_OWNER',
      `${rowCount} of ${advances.length} partitions of ${group} are still ours`,
    );
  }
}

/** All positions of a group, for lag and for tests that wait. */
export async function readPositions(queries: Queries, group: string): Promise<readonly Position[]> {
  const rows = await queries.any(sql.type(row)`
    select topic, partition, epoch, next_offset, finished from positions where consumer_group = ${group} order by topic, partition
  `);
  return rows.map(toPosition);
}

/**
 * For operators: moves a group on past messages that it cannot get past; false where it is not on that partition, or is there
 * already. The epoch rises, so that whoever owns the partition reads the row anew; what is skipped stays in its topic.
 */
export async function movePosition(
  tx: Queries,
  schema: string,
  { group, topic, partition, to }: { group: string; topic: string; partition: number; to: number },
): Promise<boolean> {
  const { rowCount } = await tx.query(sql.unsafe`
    update ${sql.identifier([schema, 'positions'])}
    set next_offset = ${to}, finished = '{}', epoch = epoch + 1, updated_at = now()
    where consumer_group = ${group} and topic = ${topic} and partition = ${partition} and next_offset < ${to}
  `);
  return rowCount === 1;
}
