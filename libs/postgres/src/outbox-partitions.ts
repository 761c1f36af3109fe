/** The outbox is partitioned by day: what is published goes by dropping a table, never by deleting rows. */
import { z } from 'zod';
import { sql } from './database.ts';
import type { Queries } from './database.ts';

const DAYS_KEPT = 2;
const DAY_MS = 86_400_000;
/** Beside the relay's own lock class: replicas make and drop partitions one after the other. */
const LOCK_CLASS = 0x1eadf2;

const dayName = (at: number): string => new Date(at).toISOString().slice(0, 10);
const partitionName = (at: number): string => `outbox_${dayName(at).replaceAll('-', '')}`;

/** Makes the partitions of yesterday to the day after tomorrow and drops older ones whose rows are all published. */
export async function maintainOutbox(connection: Queries, now = Date.now()): Promise<void> {
  for (const offset of [-1, 0, 1, 2]) {
    const from = now + offset * DAY_MS;
    await oneAtATime(
      connection,
      sql.fragment`
        create table if not exists ${sql.identifier([partitionName(from)])} partition of outbox
        for values from (${sql.literalValue(`${dayName(from)} 00:00:00+00`)}) to (${sql.literalValue(`${dayName(from + DAY_MS)} 00:00:00+00`)});
      `,
    );
  }
  const oldest = partitionName(now - DAYS_KEPT * DAY_MS);
  const old = await connection.anyFirst(sql.type(z.object({ name: z.string() }))`
    select c.relname as name
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'outbox'::regclass and c.relname < ${oldest}
  `);
  for (const name of old) {
    // Another replica may have dropped it since.
    await oneAtATime(
      connection,
      sql.fragment`
        if to_regclass(${sql.literalValue(name)}) is not null then
          if not exists (
            select from ${sql.identifier([name])} where (tx, seq) > (select tx, seq from relay_cursor where slot = 0)
          ) then
            drop table ${sql.identifier([name])};
          end if;
        end if;
      `,
    );
  }
}

/**
 * `if not exists` looks before it leaps, and two that drop siblings at the same moment meet errors that Postgres calls
 * internal. The lock lives as long as the block, which is one statement and so its own transaction.
 */
async function oneAtATime(connection: Queries, body: ReturnType<typeof sql.fragment>): Promise<void> {
  await connection.query(sql.unsafe`
    do $do$ begin
      perform pg_advisory_xact_lock(${sql.literalValue(String(LOCK_CLASS))}::int, hashtext(current_schema()));
      ${body}
    end $do$
  `);
}
