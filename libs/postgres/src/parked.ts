/**
 * Keys that are set aside: their messages wait here, in order, until somebody has mended the cause and drains them. A
 * batch and a drain of the same group never overlap, so a message is either parked before the drain or decided after it.
 */
import { z } from 'zod';
import { bytes, numbers, texts } from './arrays.ts';
import { sql } from './database.ts';
import type { Queries } from './database.ts';

export type ParkedMessage = {
  /** Of the state, not of the record. */
  readonly key: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly recordKey: Buffer | null;
  /** JSON of header name -> text. */
  readonly headers: string;
  readonly value: Buffer | null;
  readonly orgId: string | null;
  /** Why it was rejected; null for those that only came after it. */
  readonly code: string | null;
};

/** Beside the relay's and the outbox partitions' locks. */
const LOCK_CLASS = 0x1eadf3;

/** Which of these keys are parked; under lockForBatch it stays so until the transaction ends. */
export async function parkedKeysOf(tx: Queries, group: string, keys: readonly string[]): Promise<Set<string>> {
  const rows = await tx.anyFirst(sql.type(z.object({ key: z.string() }))`
    select distinct key from parked where consumer_group = ${group} and key = any(${texts(keys)}::text[])
  `);
  return new Set(rows);
}

/**
 * Keeps drains of the group away until the transaction ends. Before everything else that a batch locks, as a drain does: taken
 * after its rows, the two could wait for each other.
 */
export async function lockForBatch(tx: Queries, group: string): Promise<void> {
  await tx.query(sql.unsafe`
    select pg_advisory_xact_lock_shared(${LOCK_CLASS}, hashtext(current_schema() || '/' || ${group}))
  `);
}

/** Waits for running batches of the group and holds off new ones until the transaction ends. */
export async function lockForDrain(tx: Queries, group: string): Promise<void> {
  await tx.query(sql.unsafe`
    select pg_advisory_xact_lock(${LOCK_CLASS}, hashtext(current_schema() || '/' || ${group}))
  `);
}

export async function parkMessages(tx: Queries, group: string, messages: readonly ParkedMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await tx.query(sql.unsafe`
    insert into parked (consumer_group, key, topic, partition, "offset", timestamp_ms, record_key, headers, value, org_id, code)
    select ${group}, key, topic, partition, "offset", timestamp_ms, record_key, headers, value, org_id, code
    from unnest(
      ${texts(messages.map((m) => m.key))}::text[],
      ${texts(messages.map((m) => m.topic))}::text[],
      ${numbers(messages.map((m) => m.partition))}::int[],
      ${numbers(messages.map((m) => m.offset))}::bigint[],
      ${numbers(messages.map((m) => m.timestampMs))}::bigint[],
      ${bytes(messages.map((m) => m.recordKey))}::bytea[],
      ${texts(messages.map((m) => m.headers))}::text[],
      ${bytes(messages.map((m) => m.value))}::bytea[],
      ${texts(messages.map((m) => m.orgId))}::uuid[],
      ${texts(messages.map((m) => m.code))}::text[]
    ) with ordinality as m(key, topic, partition, "offset", timestamp_ms, record_key, headers, value, org_id, code, n)
    order by n
    on conflict do nothing
  `);
}

const row = z.object({
  key: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  timestamp_ms: z.int(),
  record_key: z.instanceof(Buffer).nullable(),
  headers: z.string(),
  value: z.instanceof(Buffer).nullable(),
  org_id: z.string().nullable(),
  code: z.string().nullable(),
});

/** A key's messages in order. */
export async function readParked(
  queries: Queries,
  group: string,
  key: string,
  limit: number,
): Promise<readonly ParkedMessage[]> {
  const rows = await queries.any(sql.type(row)`
    select key, topic, partition, "offset", timestamp_ms, record_key, headers, value, org_id, code from parked
    where consumer_group = ${group} and key = ${key} order by seq limit ${limit}
  `);
  return rows.map(({ record_key: recordKey, org_id: orgId, timestamp_ms: timestampMs, ...rest }) => ({
    ...rest,
    recordKey,
    orgId,
    timestampMs,
  }));
}

export async function endParked(tx: Queries, group: string, messages: readonly ParkedMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await tx.query(sql.unsafe`
    delete from parked p using unnest(
      ${texts(messages.map((m) => m.topic))}::text[],
      ${numbers(messages.map((m) => m.partition))}::int[],
      ${numbers(messages.map((m) => m.offset))}::bigint[]
    ) as d(topic, partition, "offset")
    where p.consumer_group = ${group} and p.topic = d.topic and p.partition = d.partition and p."offset" = d."offset"
  `);
}

const summary = z.object({
  group: z.string(),
  key: z.string(),
  messages: z.int(),
  code: z.string().nullable(),
  since: z.number(),
});
export type ParkedKey = z.infer<typeof summary>;

/** Parked keys of one organisation, those that wait longest first; of all of them where none is named. */
export function listParked(queries: Queries, orgId: string | null, limit: number): Promise<readonly ParkedKey[]> {
  const whose = orgId === null ? sql.fragment`true` : sql.fragment`org_id = ${orgId}::uuid`;
  return queries.any(sql.type(summary)`
    select consumer_group as "group", key, count(*) as messages, min(code) as code, min(parked_at) as since
    from parked where ${whose} group by consumer_group, key order by min(seq) limit ${limit}
  `);
}
