/** Dead letters of every group: kept as they came, listed newest first, moved out of the way after a while (C-20). */
import { z } from 'zod';
import { deadLetterCursor } from '@lead-flood/contracts';
import { derivedId, isId } from '@lead-flood/kernel';
import type { RawRecord } from '@lead-flood/kafka';
import { deadLetterFacts, headerNames, headersAsText, headerText } from '@lead-flood/kafka';
import type { Queries } from '@lead-flood/postgres';
import { bytes, numbers, sql, texts, times, toStorable } from '@lead-flood/postgres';

/** A statement carries bytes as text of twice their length. */
const STATEMENT_BYTES_MAX = 4_194_304;
const DAY_MS = 86_400_000;
/** Letters that one round retires: a month of them at once would outlast the statement's time. */
const ROUND_MAX = 10_000;

/** Saves them once, however often they come. */
export async function saveDeadLetters(tx: Queries, records: readonly RawRecord[]): Promise<void> {
  for (const part of parts(records)) await insert(tx, part);
}

function parts(records: readonly RawRecord[]): RawRecord[][] {
  const found: RawRecord[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const record of records) {
    const own = record.value?.length ?? 0;
    if (size + own > STATEMENT_BYTES_MAX) {
      found.push([]);
      size = 0;
    }
    found.at(-1)?.push(record);
    size += own;
  }
  return found;
}

async function insert(tx: Queries, records: readonly RawRecord[]): Promise<void> {
  const letters = records.map((record) => ({ record, facts: factsOf(record) }));
  await tx.query(sql.unsafe`
    insert into dead_letters
      (id, consumer_group, topic, partition, "offset", code, detail, step, key, headers, value, org_id, at)
    select * from unnest(
      ${texts(records.map((r) => derivedId(r.topic, r.partition, r.offset)))}::uuid[],
      ${texts(letters.map(({ facts }) => toStorable(facts.group)))}::text[],
      ${texts(letters.map(({ facts }) => toStorable(facts.topic)))}::text[],
      ${numbers(letters.map(({ facts }) => facts.partition))}::int[],
      ${numbers(letters.map(({ facts }) => facts.offset))}::bigint[],
      ${texts(letters.map(({ facts }) => toStorable(facts.code)))}::text[],
      ${texts(letters.map(({ facts }) => toStorable(facts.detail)))}::text[],
      ${texts(letters.map(({ facts }) => toStorable(facts.step)))}::text[],
      ${texts(records.map((r) => (r.key === null ? null : toStorable(r.key.toString('utf8')))))}::text[],
      ${texts(records.map((r) => JSON.stringify(headersAsText(r.headers))))}::text[],
      ${bytes(records.map((r) => r.value))}::bytea[],
      ${texts(records.map(orgOf))}::uuid[],
      ${times(letters.map(({ facts }) => facts.at))}::timestamptz[]
    )
    on conflict (id) do nothing
  `);
}

type Facts = {
  group: string;
  topic: string;
  partition: number;
  offset: number;
  code: string;
  detail: string;
  step: string;
  at: number;
};

/** Headers are what somebody wrote: what is not as ours would be falls back to the record itself, nothing is lost. */
function factsOf(record: RawRecord): Facts {
  const facts = deadLetterFacts(record);
  if (facts === null) {
    const { topic, partition, offset, timestamp: at } = record;
    const group = topic.replace(/\.dead-letter\.v1$/, '');
    return { group, topic, partition, offset, code: 'ANL_ERR_NOT_A_DEAD_LETTER', detail: '', step: 'archive', at };
  }
  return {
    group: facts.group,
    topic: facts.topic,
    partition: whole(facts.partition, 2_147_483_647) ?? record.partition,
    offset: whole(facts.offset, Number.MAX_SAFE_INTEGER) ?? record.offset,
    code: facts.code,
    detail: facts.detail,
    step: facts.step,
    at: whole(facts.at, 253_402_300_799_999) ?? record.timestamp,
  };
}

const whole = (value: number, max: number): number | null =>
  Number.isSafeInteger(value) && value >= 0 && value <= max ? value : null;

function orgOf(record: RawRecord): string | null {
  const org = headerText(record.headers, headerNames.orgId);
  return org !== null && isId(org) ? org : null;
}

/** Whose dead letters somebody sees; those of nobody (unreadable, without headers) are shown to admins only. */
export type Visibility = { readonly orgId: string; readonly isAdmin: boolean };

export const visible = ({ orgId, isAdmin }: Visibility) =>
  isAdmin ? sql.fragment`(org_id = ${orgId} or org_id is null)` : sql.fragment`org_id = ${orgId}`;

export type DeadLetterQuery = {
  readonly group?: string | undefined;
  readonly topic?: string | undefined;
  readonly code?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit: number;
  readonly cursor?: readonly [at: number, id: string] | undefined;
};

const row = z.object({
  id: z.string(),
  group: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  code: z.string(),
  detail: z.string(),
  step: z.string(),
  key: z.string().nullable(),
  bytes: z.int(),
  at: z.number(),
});

/** Behind this place, newest first. */
export const olderThan = ([at, id]: readonly [number, string]) =>
  sql.fragment`(at, id) < (${new Date(at).toISOString()}::timestamptz, ${id}::uuid)`;

export async function listDeadLetters(database: Queries, who: Visibility, query: DeadLetterQuery) {
  const conditions = [
    visible(who),
    ...(query.group === undefined ? [] : [sql.fragment`consumer_group = ${query.group}`]),
    ...(query.topic === undefined ? [] : [sql.fragment`topic = ${query.topic}`]),
    ...(query.code === undefined ? [] : [sql.fragment`code = ${query.code}`]),
    ...(query.from === undefined ? [] : [sql.fragment`at >= ${query.from}::timestamptz`]),
    ...(query.to === undefined ? [] : [sql.fragment`at < ${query.to}::timestamptz`]),
    ...(query.cursor === undefined ? [] : [olderThan(query.cursor)]),
  ];
  const rows = await database.any(sql.type(row)`
    select id, consumer_group as "group", topic, partition, "offset", code, detail, step, key,
      coalesce(octet_length(value), 0) as bytes, at
    from dead_letters
    where ${sql.join(conditions, sql.fragment` and `)}
    order by at desc, id desc
    limit ${query.limit + 1}
  `);
  const shown = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? shown.at(-1) : undefined;
  return {
    items: shown.map((letter) => ({ ...letter, at: new Date(letter.at).toISOString() })),
    nextCursor: last === undefined ? null : deadLetterCursor.write([last.at, last.id]),
  };
}

const counted = z.object({ group: z.string(), topic: z.string(), count: z.int() });

export async function countDeadLetters(
  database: Queries,
  who: Visibility,
  from: string | undefined,
): Promise<readonly z.infer<typeof counted>[]> {
  const since = from === undefined ? sql.fragment`true` : sql.fragment`at >= ${from}::timestamptz`;
  return database.any(sql.type(counted)`
    select consumer_group as "group", topic, count(*) as count from (
      select consumer_group, topic from dead_letters where ${visible(who)} and ${since}
      union all
      select consumer_group, topic from dead_letter_archive where ${visible(who)} and ${since}
    ) as letters
    group by consumer_group, topic
  `);
}

/**
 * Moves old letters out of the hot table and deletes very old ones, each at most so many: the rest goes in the next
 * round. Safe to run anywhere, any number of times.
 */
export async function retireDeadLetters(
  queries: Queries,
  now: number,
  ages: { hotDays: number; keptDays: number },
): Promise<void> {
  const before = (days: number): string => new Date(now - days * DAY_MS).toISOString();
  await queries.query(sql.unsafe`
    with retired as (
      delete from dead_letters where id = any(array(
        select id from dead_letters where at < ${before(ages.hotDays)}::timestamptz order by at limit ${ROUND_MAX}
      ))
      returning *
    )
    insert into dead_letter_archive select * from retired
  `);
  await queries.query(sql.unsafe`
    delete from dead_letter_archive where ctid = any(array(
      select ctid from dead_letter_archive where at < ${before(ages.keptDays)}::timestamptz order by at limit ${ROUND_MAX}
    ))
  `);
}
