/** The outbox is partitioned by day: what is published goes by dropping a table, never by deleting rows. */
import { z } from 'zod';
import { sql } from './database.ts';
import { sqlState } from './errors.ts';
import type { Queries } from './database.ts';

/** The table, its type or its index is there already; or another process has dropped it meanwhile. */
const RACES = new Set(['42P07', '23505', '42710', '42P01', '42P17']);
const DAYS_KEPT = 2;
const DAY_MS = 86_400_000;

const dayName = (at: number): string => new Date(at).toISOString().slice(0, 10);
const partitionName = (at: number): string => `outbox_${dayName(at).replaceAll('-', '')}`;

/** Makes the partitions of yesterday to the day after tomorrow and drops older ones whose rows are all published. */
export async function maintainOutbox(connection: Queries, now = Date.now()): Promise<void> {
  for (const offset of [-1, 0, 1, 2]) {
    const from = now + offset * DAY_MS;
    await unlessRaced(
      connection.query(sql.unsafe`
      create table if not exists ${sql.identifier([partitionName(from)])} partition of outbox
      for values from (${sql.literalValue(`${dayName(from)} 00:00:00+00`)}) to (${sql.literalValue(`${dayName(from + DAY_MS)} 00:00:00+00`)})
    `),
    );
  }
  const oldest = partitionName(now - DAYS_KEPT * DAY_MS);
  const old = await connection.anyFirst(sql.type(z.object({ name: z.string() }))`
    select c.relname as name
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'outbox'::regclass and c.relname < ${oldest}
  `);
  for (const name of old) {
    const unpublished = await connection.exists(sql.unsafe`
      select 1 from ${sql.identifier([name])} where (tx, seq) > (select tx, seq from relay_cursor where slot = 0)
    `);
    if (!unpublished) await unlessRaced(connection.query(sql.unsafe`drop table if exists ${sql.identifier([name])}`));
  }
}

/** `if not exists` looks before it leaps: of two replicas that start together one is told that the table is there. */
async function unlessRaced(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!RACES.has(sqlState(error) ?? '')) throw error;
  }
}
