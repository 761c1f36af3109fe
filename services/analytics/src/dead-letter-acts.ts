/** What operators do with dead letters: find them by filter, send them again, delete them; each act leaves a row. */
import { z } from 'zod';
import { deadLetterActCursor } from '@lead-flood/contracts';
import { randomId } from '@lead-flood/kernel';
import type { RawRecord, SendableRecord } from '@lead-flood/kafka';
import { deadLetterTopic, toReplay } from '@lead-flood/kafka';
import type { Database, Queries } from '@lead-flood/postgres';
import { sql, texts } from '@lead-flood/postgres';
import type { Visibility } from './dead-letter-store.ts';
import { olderThan, visible } from './dead-letter-store.ts';

export type LetterFilter = {
  readonly group?: string | undefined;
  readonly topic?: string | undefined;
  readonly code?: string | undefined;
  readonly key?: string | undefined;
  readonly org?: string | undefined;
  /** ISO times; the end is not included. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
};

/** Hot letters, or those that have been archived since. */
export type LetterPlace = 'dead_letters' | 'dead_letter_archive';

/** Letters that one statement reads, without their values. */
const PAGE_LETTERS = 500;
/** Letters that one transaction deletes: more of them at once would outlast the statement's time. */
const PURGE_LETTERS = 10_000;

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
  headers: z.string(),
  bytes: z.int(),
  at: z.number(),
  /** The time to the microsecond, as a place in the order. */
  place: z.string(),
  replayed: z.boolean(),
});
export type Letter = z.infer<typeof row> & { readonly replays: number };
const wholeRow = row.extend({ value: z.instanceof(Buffer).nullable() });
export type WholeLetter = Letter & { readonly value: Buffer | null };

/** A replayed message says which letter it was: when it is refused again, the new letter still says so. */
export const replayOfHeader = 'replay-of';

function conditions(filter: LetterFilter) {
  const { group, topic, code, key, org, since, until } = filter;
  return sql.join(
    [
      sql.fragment`true`,
      ...(group === undefined ? [] : [sql.fragment`consumer_group = ${group}`]),
      ...(topic === undefined ? [] : [sql.fragment`topic = ${topic}`]),
      ...(code === undefined ? [] : [sql.fragment`code = ${code}`]),
      ...(key === undefined ? [] : [sql.fragment`key = ${key}`]),
      ...(org === undefined ? [] : [sql.fragment`org_id = ${org}::uuid`]),
      ...(since === undefined ? [] : [sql.fragment`at >= ${since}::timestamptz`]),
      ...(until === undefined ? [] : [sql.fragment`at < ${until}::timestamptz`]),
    ],
    sql.fragment` and `,
  );
}

const columns = sql.fragment`id, consumer_group as "group", topic, partition, "offset", code, detail, step, key, headers,
  coalesce(octet_length(value), 0) as bytes, at, at::text as place, replayed_at is not null as replayed`;

const withReplays = <L extends z.infer<typeof row>>(letter: L): L & { readonly replays: number } => ({
  ...letter,
  replays: Number(headersOf(letter)['replays'] ?? 0) || 0,
});

/** Oldest first, a page at a time and without values; what was sent again already only where `all` says so. */
export async function* letterPages(
  queries: Queries,
  from: LetterPlace,
  filter: LetterFilter,
  all = false,
): AsyncGenerator<readonly Letter[]> {
  let after = sql.fragment`true`;
  for (;;) {
    const page = await queries.any(sql.type(row)`
      select ${columns} from ${sql.identifier([from])}
      where ${conditions(filter)} and (${all} or replayed_at is null) and ${after}
      order by at, id limit ${PAGE_LETTERS}
    `);
    if (page.length > 0) yield page.map(withReplays);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_LETTERS) return;
    after = sql.fragment`(at, id) > (${last.place}::timestamptz, ${last.id}::uuid)`;
  }
}

/** With their values, so not too many at once. Those that have left the place meanwhile are missing. */
export async function readLetters(
  queries: Queries,
  from: LetterPlace,
  ids: readonly string[],
): Promise<readonly WholeLetter[]> {
  const found = await queries.any(sql.type(wholeRow)`
    select ${columns}, value from ${sql.identifier([from])}
    where id = any(${texts(ids)}::uuid[]) order by at, id
  `);
  return found.map(withReplays);
}

/** Those that wait for somebody. */
export const countWaiting = (queries: Queries, from: LetterPlace, filter: LetterFilter): Promise<number> =>
  queries.oneFirst(sql.type(z.object({ n: z.int() }))`
    select count(*) as n from ${sql.identifier([from])} where ${conditions(filter)} and replayed_at is null
  `);

const headersOf = (letter: Pick<Letter, 'headers'>): Record<string, string> =>
  z.record(z.string(), z.string()).parse(JSON.parse(letter.headers));

/** The original message as it came; null where the letter does not say where that was. */
export function replayOf(letter: WholeLetter): SendableRecord | null {
  const record: RawRecord = {
    topic: deadLetterTopic(letter.group),
    partition: 0,
    offset: 0,
    timestamp: letter.at,
    key: letter.key === null ? null : Buffer.from(letter.key),
    value: letter.value,
    headers: headersOf(letter),
  };
  const replay = toReplay(record);
  return replay === null ? null : { ...replay, headers: { ...replay.headers, [replayOfHeader]: letter.id } };
}

export async function markReplayed(queries: Queries, from: LetterPlace, ids: readonly string[]): Promise<void> {
  await queries.query(sql.unsafe`
    update ${sql.identifier([from])} set replayed_at = now() where id = any(${texts(ids)}::uuid[])
  `);
}

/** How many of the replayed letters have a younger one that names them. As text: JSON functions refuse foreign NULs. */
export const countReturned = (queries: Queries, ids: readonly string[]): Promise<number> =>
  queries.oneFirst(sql.type(z.object({ n: z.int() }))`
    select count(distinct named) as n
    from dead_letters, substring(headers from ${`"${replayOfHeader}":"([0-9a-f-]{36})"`}::text) as named
    where named = any(${texts(ids)}::text[])
  `);

export type ActKind = 'replay' | 'purge' | 'skip';

export type Act = {
  readonly act: ActKind;
  readonly who: string;
  readonly filter: Readonly<Record<string, unknown>>;
  readonly org: string | null;
  readonly matched: number;
  readonly acted: number;
  readonly guarded: number;
};

/** Inside the transaction of the act where there is one. */
export async function recordAct(queries: Queries, act: Act): Promise<string> {
  const id = randomId();
  await queries.query(sql.unsafe`
    insert into dead_letter_acts (id, act, who, filter, org_id, matched, acted, guarded)
    values (${id}, ${act.act}, ${act.who}, ${JSON.stringify(act.filter)}, ${act.org}, ${act.matched}, ${act.acted}, ${act.guarded})
  `);
  return id;
}

export async function endReplay(
  queries: Queries,
  id: string,
  ended: { cameBack: number; gone: number },
): Promise<void> {
  await queries.query(sql.unsafe`
    update dead_letter_acts set came_back = ${ended.cameBack}, gone = ${ended.gone} where id = ${id}
  `);
}

/**
 * Deletes the letters of the filter, replayed ones and archived ones too, so many in a transaction. Each of them adds to
 * the act's row what it has deleted: an act that is cut off says how far it came.
 */
export async function purgeLetters(database: Database, filter: LetterFilter, who: string): Promise<number> {
  const act: Act = { act: 'purge', who, filter, org: filter.org ?? null, matched: 0, acted: 0, guarded: 0 };
  const id = await recordAct(database, act);
  // The hot ones first: what is archived meanwhile is found there.
  return (
    (await purgeFrom(database, 'dead_letters', filter, id)) +
    (await purgeFrom(database, 'dead_letter_archive', filter, id))
  );
}

async function purgeFrom(database: Database, from: LetterPlace, filter: LetterFilter, act: string): Promise<number> {
  const table = sql.identifier([from]);
  for (let purged = 0; ;) {
    const part = await database.transaction(async (tx) => {
      const { rowCount } = await tx.query(sql.unsafe`
        delete from ${table} where ctid = any(array(
          select ctid from ${table} where ${conditions(filter)} order by at limit ${PURGE_LETTERS}
        ))
      `);
      await tx.query(sql.unsafe`
        update dead_letter_acts set matched = matched + ${rowCount}, acted = acted + ${rowCount} where id = ${act}
      `);
      return rowCount;
    });
    purged += part;
    if (part < PURGE_LETTERS) return purged;
  }
}

export const countLetters = (queries: Queries, filter: LetterFilter): Promise<number> =>
  queries.oneFirst(sql.type(z.object({ n: z.int() }))`
    select (select count(*) from dead_letters where ${conditions(filter)})
      + (select count(*) from dead_letter_archive where ${conditions(filter)}) as n
  `);

const actRow = z.object({
  id: z.string(),
  act: z.string(),
  who: z.string(),
  filter: z.string(),
  matched: z.int(),
  acted: z.int(),
  guarded: z.int(),
  came_back: z.int().nullable(),
  gone: z.int().nullable(),
  at: z.number(),
});

/** Newest first; acts over all organisations are shown to admins only. */
export async function listActs(
  queries: Queries,
  who: Visibility | 'everybody',
  query: { readonly limit: number; readonly cursor?: readonly [at: number, id: string] | undefined },
) {
  const after = query.cursor === undefined ? sql.fragment`true` : olderThan(query.cursor);
  const rows = await queries.any(sql.type(actRow)`
    select id, act, who, filter, matched, acted, guarded, came_back, gone, at
    from dead_letter_acts where ${who === 'everybody' ? sql.fragment`true` : visible(who)} and ${after} order by at desc, id desc limit ${query.limit + 1}
  `);
  const shown = rows.slice(0, query.limit);
  const last = rows.length > query.limit ? shown.at(-1) : undefined;
  return {
    items: shown.map(({ came_back: cameBack, filter, at, ...act }) => ({
      ...act,
      cameBack,
      filter: z.record(z.string(), z.unknown()).parse(JSON.parse(filter)),
      at: new Date(at).toISOString(),
    })),
    nextCursor: last === undefined ? null : deadLetterActCursor.write([last.at, last.id]),
  };
}
