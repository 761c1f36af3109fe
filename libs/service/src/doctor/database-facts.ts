/** What the machinery tables of every schema say, read only: outboxes, relays, timers, redeliveries, positions. */
import { z } from 'zod';
import type { Database, Position, Queries } from '@lead-flood/postgres';
import { RELAY_LOCK_CLASS, sql } from '@lead-flood/postgres';
import type { BackendFacts, SchemaFacts } from './facts.ts';

const backend = z.object({
  application: z.string(),
  pid: z.int(),
  state: z.string(),
  age_seconds: z.number(),
});

const toBackend = ({ age_seconds: ageSeconds, ...rest }: z.infer<typeof backend>): BackendFacts => ({
  ...rest,
  ageSeconds,
});

/** Whoever has a relay has our machinery; other schemas are none of our business. */
export const readSchemas = (queries: Queries): Promise<readonly string[]> =>
  queries.anyFirst(sql.type(z.object({ name: z.string() }))`
    select n.nspname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relname = 'relay_cursor' and c.relkind = 'r' order by 1
  `);

/** In one transaction that may not write: what is said of a backlog and of who hides it belongs together. */
export function readSchema(database: Database, schema: string): Promise<SchemaFacts> {
  return database.transaction(async (tx) => {
    await tx.query(sql.unsafe`set transaction read only`);
    const table = (name: string) => sql.identifier([schema, name]);
    const outbox = await tx.one(sql.type(
      z.object({ backlog: z.int(), oldest_seconds: z.number(), held_back: z.int() }),
    )`
      select count(*) as backlog,
        coalesce(extract(epoch from now() - min(o.created_at)), 0)::float8 as oldest_seconds,
        count(*) filter (where o.tx >= pg_snapshot_xmin(pg_current_snapshot())) as held_back
      from ${table('outbox')} o, ${table('relay_cursor')} c
      where c.slot = 0 and (o.tx, o.seq) > (c.tx, c.seq)
    `);
    const relay = await tx.maybeOne(sql.type(backend)`
      select a.application_name as application, a.pid, coalesce(a.state, '') as state,
        coalesce(extract(epoch from now() - a.state_change), 0)::float8 as age_seconds
      from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 2 and l.classid::bigint = ${RELAY_LOCK_CLASS}
        and l.objid::bigint = hashtext(${schema})::bigint & 4294967295
        and l.database = (select oid from pg_database where datname = current_database())
      limit 1
    `);
    const timers = await tx.one(sql.type(z.object({ overdue: z.int(), oldest_seconds: z.number() }))`
      select count(*) as overdue, coalesce(extract(epoch from now() - min(due_at)), 0)::float8 as oldest_seconds
      from ${table('timers')} where due_at <= now()
    `);
    const redeliveries = await tx.any(sql.type(z.object({ code: z.string(), messages: z.int() }))`
      select code, count(*) as messages from ${table('redeliveries')} group by code order by code
    `);
    const parked = await tx.any(sql.type(z.object({ group: z.string(), keys: z.int(), messages: z.int() }))`
      select consumer_group as "group", count(distinct key) as keys, count(*) as messages
      from ${table('parked')} group by consumer_group order by consumer_group
    `);
    const ticks = await tx.any(sql.type(z.object({ tick: z.string(), age_seconds: z.number() }))`
      select name as tick, extract(epoch from now() - fired_at)::float8 as age_seconds from ${table('ticks')} order by name
    `);
    return {
      schema,
      outbox: { backlog: outbox.backlog, oldestSeconds: outbox.oldest_seconds, heldBack: outbox.held_back },
      relay: relay === null ? null : toBackend(relay),
      timers: { overdue: timers.overdue, oldestSeconds: timers.oldest_seconds },
      redeliveries: Object.fromEntries(redeliveries.map(({ code, messages }) => [code, messages])),
      ticks: ticks.map(({ tick, age_seconds: ageSeconds }) => ({ tick, ageSeconds })),
      parked,
    };
  });
}

/** Who has held a transaction number for longest, ourselves not counted (a reader has none). */
export async function readOldestTransaction(queries: Queries): Promise<BackendFacts | null> {
  const found = await queries.maybeOne(sql.type(backend)`
    select application_name as application, pid, coalesce(state, '') as state,
      coalesce(extract(epoch from clock_timestamp() - xact_start), 0)::float8 as age_seconds
    from pg_stat_activity
    where backend_xid is not null and datname = current_database()
    order by age(backend_xid) desc limit 1
  `);
  return found === null ? null : toBackend(found);
}

export type SchemaPosition = Pick<Position, 'topic' | 'partition' | 'nextOffset'> & {
  readonly schema: string;
  readonly group: string;
  /** Done already beyond the next offset. */
  readonly ahead: number;
};

export async function readAllPositions(
  queries: Queries,
  schemas: readonly string[],
): Promise<readonly SchemaPosition[]> {
  const row = z.object({
    group: z.string(),
    topic: z.string(),
    partition: z.int(),
    next_offset: z.int(),
    ahead: z.int(),
  });
  const found = await Promise.all(
    schemas.map(async (schema) => {
      const rows = await queries.any(sql.type(row)`
        select consumer_group as "group", topic, partition, next_offset, cardinality(finished) as ahead
        from ${sql.identifier([schema, 'positions'])} order by 1, 2, 3
      `);
      return rows.map(({ next_offset: nextOffset, ...rest }) => ({ ...rest, nextOffset, schema }));
    }),
  );
  return found.flat();
}

const parkedKey = z.object({
  group: z.string(),
  key: z.string(),
  messages: z.int(),
  code: z.string().nullable(),
  since: z.number(),
});

/** Of all schemas, those that wait longest first. */
export async function readParkedKeys(queries: Queries, schemas: readonly string[]) {
  const found = await Promise.all(
    schemas.map((schema) =>
      queries.any(sql.type(parkedKey)`
        select consumer_group as "group", key, count(*) as messages, min(code) as code, min(parked_at) as since
        from ${sql.identifier([schema, 'parked'])} group by 1, 2
      `),
    ),
  );
  return found.flat().toSorted((a, b) => a.since - b.since);
}
