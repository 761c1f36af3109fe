/** Callers (CA-01, CA-02), and the match between a caller and what waits (CA-19). */
import { z } from 'zod';
import type { CallerBody, CallerView } from '@lead-flood/contracts';
import { callerCursor } from '@lead-flood/contracts';
import { CodedError, isId } from '@lead-flood/kernel';
import type { Queries } from '@lead-flood/postgres';
import { sql, sqlState, texts } from '@lead-flood/postgres';
import { openAreas } from './calling-area.ts';

const row = z.object({
  id: z.string(),
  user_id: z.string().nullable(),
  email: z.string(),
  name: z.string(),
  timezone: z.string(),
  language_codes: z.array(z.string()),
  region_iso_codes: z.array(z.string()),
  metadata: z.string(),
  allocation_status: z.string(),
  created_at: z.number(),
  updated_at: z.number(),
});

const columns = sql.fragment`id, user_id, email, name, timezone, language_codes, region_iso_codes, metadata, allocation_status, created_at, updated_at`;

const toView = (r: z.infer<typeof row>): CallerView => ({
  id: r.id,
  userId: r.user_id,
  email: r.email,
  name: r.name,
  timezone: r.timezone,
  languageCodes: r.language_codes,
  regionIsoCodes: r.region_iso_codes,
  metadata: JSON.parse(r.metadata) as CallerView['metadata'],
  allocationStatus: r.allocation_status,
  createdAt: new Date(r.created_at).toISOString(),
  updatedAt: new Date(r.updated_at).toISOString(),
});

/** A new caller, or what a known one is from now on; the status stays as it is unless one is given. */
export async function saveCaller(
  database: Queries,
  orgId: string,
  id: string,
  body: CallerBody & { readonly allocationStatus?: string | undefined },
): Promise<CallerView> {
  const status = body.allocationStatus ?? null;
  try {
    const saved = await database.one(sql.type(row)`
      insert into callers (id, org_id, user_id, email, name, timezone, language_codes, region_iso_codes, metadata, allocation_status)
      values (${id}, ${orgId}, ${body.userId ?? null}, ${body.email}, ${body.name}, ${body.timezone},
        ${texts(body.languageCodes)}::text[], ${texts(body.regionIsoCodes)}::text[], ${JSON.stringify(body.metadata)},
        coalesce(${status}, 'ACTIVE'))
      on conflict (id) do update set user_id = excluded.user_id, email = excluded.email, name = excluded.name, timezone = excluded.timezone,
        language_codes = excluded.language_codes, region_iso_codes = excluded.region_iso_codes, metadata = excluded.metadata,
        allocation_status = coalesce(${status}, callers.allocation_status), updated_at = now()
      where callers.org_id = excluded.org_id
      returning ${columns}
    `);
    return toView(saved);
  } catch (error) {
    if (sqlState(error) === '23505')
      throw new CodedError('CAL_ERR_CALLER_EXISTS', 'another caller has this e-mail address or user', { cause: error });
    throw error;
  }
}

type CallerQuery = {
  readonly allocationStatus?: string | undefined;
  readonly limit: number;
  readonly cursor?: readonly [id: string] | undefined;
};

export async function listCallers(database: Queries, orgId: string, query: CallerQuery) {
  const { allocationStatus: status, cursor, limit } = query;
  const rows = await database.any(sql.type(row)`
    select ${columns} from callers
    where org_id = ${orgId}
      ${status === undefined ? sql.fragment`` : sql.fragment`and allocation_status = ${status}`}
      ${cursor === undefined ? sql.fragment`` : sql.fragment`and id > ${cursor[0]}::uuid`}
    order by id limit ${limit + 1}
  `);
  const items = rows.slice(0, limit).map(toView);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? callerCursor.write([last.id]) : null };
}

export async function getCaller(database: Queries, orgId: string, id: string): Promise<CallerView> {
  const found = await database.maybeOne(
    sql.type(row)`select ${columns} from callers where org_id = ${orgId} and id = ${id}`,
  );
  if (found === null) throw new CodedError('CAL_ERR_UNKNOWN_CALLER', 'there is no such caller');
  return toView(found);
}

/** The caller who is logged in: by the account's id, or by an id that is the caller's own (S3's tokens). */
export async function callerOfUser(database: Queries, orgId: string, userId: string): Promise<CallerView> {
  // A token may name its user in any way; only an id of ours can be a caller's.
  const found = isId(userId)
    ? await database.maybeOne(
        sql.type(
          row,
        )`select ${columns} from callers where org_id = ${orgId} and (user_id = ${userId} or id = ${userId}) limit 1`,
      )
    : null;
  if (found === null) throw new CodedError('CAL_ERR_UNKNOWN_CALLER', 'this account belongs to no caller');
  return toView(found);
}

export async function activeTaskOf(database: Queries, callerId: string): Promise<string | null> {
  return database.maybeOneFirst(sql.type(z.object({ key: z.string() }))`
    select key from call_tasks where caller_id = ${callerId} and status in ('ASSIGNED', 'DIALING')
  `);
}

/** Of these callers those who hold a task. */
export async function busyCallers(queries: Queries, callerIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await queries.anyFirst(sql.type(z.object({ caller_id: z.string() }))`
    select caller_id from call_tasks
    where caller_id = any(${texts(callerIds)}::uuid[]) and status in ('ASSIGNED', 'DIALING')
  `);
  return new Set(rows);
}

/** Keeps our advisory locks apart from those of the machinery in the same database. */
const LOCK_CLASS = 0x1eadf4;

/**
 * Whoever gives a caller a task waits here for whoever else does. Without it both would believe that the caller is free,
 * and the second would be refused by the index when it saves. No row is locked: a transaction must not be numbered
 * before it has read (see the outbox).
 */
export async function lockCallers(tx: Queries, callerIds: readonly string[]): Promise<void> {
  if (callerIds.length === 0) return;
  await tx.query(sql.unsafe`
    select pg_advisory_xact_lock(${LOCK_CLASS}, lock) from (
      select distinct hashtext(id) as lock from unnest(${texts(callerIds)}::text[]) as id order by 1 offset 0
    ) as locks
  `);
}

type Fragment = ReturnType<typeof sql.fragment>;

/** Waits, in the caller's regions and languages, where somebody may be called now. */
const fits = (regions: Fragment, languages: Fragment, open: readonly string[]): Fragment => sql.fragment`
  t.status = 'PENDING' and t.region_iso = any(${regions}) and t.language_code = any(${languages})
  and t.calling_area = any(${texts(open)}::text[])
`;

export type FreeCaller = { readonly orgId: string; readonly callerId: string };

/** Active callers of all organisations who hold no task although one waits that they could call now. */
export async function freeCallers(queries: Queries, now: number): Promise<readonly FreeCaller[]> {
  const open = await openAreas(queries, now);
  const rows = await queries.any(sql.type(z.object({ org_id: z.string(), id: z.string() }))`
    select c.org_id, c.id from callers c
    where c.allocation_status = 'ACTIVE'
      and not exists (select from call_tasks h where h.caller_id = c.id and h.status in ('ASSIGNED', 'DIALING'))
      and exists (
        select from call_tasks t
        where t.org_id = c.org_id and ${fits(sql.fragment`c.region_iso_codes`, sql.fragment`c.language_codes`, open)}
      )
    order by c.id
  `);
  return rows.map((r) => ({ orgId: r.org_id, callerId: r.id }));
}

/** What this caller could call in the open places, best first: by priority, the lead's rank, the oldest first. */
export async function matchingTasks(
  database: Queries,
  orgId: string,
  caller: Pick<CallerView, 'regionIsoCodes' | 'languageCodes'>,
  open: readonly string[],
  limit: number,
  except: readonly string[] = [],
): Promise<readonly string[]> {
  const regions = sql.fragment`${texts(caller.regionIsoCodes)}::text[]`;
  const languages = sql.fragment`${texts(caller.languageCodes)}::text[]`;
  return database.anyFirst(sql.type(z.object({ key: z.string() }))`
    select t.key from call_tasks t
    where t.org_id = ${orgId} and ${fits(regions, languages, open)} and t.key <> all(${texts(except)}::uuid[])
    order by t.priority desc, t.rank desc, t.queued_at
    limit ${limit}
  `);
}

/** Active callers by id, of whatever organisation. */
export async function activeCallers(
  queries: Queries,
  callerIds: readonly string[],
): Promise<ReadonlyMap<string, CallerView & { readonly orgId: string }>> {
  const rows = await queries.any(sql.type(row.extend({ org_id: z.string() }))`
    select org_id, ${columns} from callers
    where id = any(${texts(callerIds)}::uuid[]) and allocation_status = 'ACTIVE'
  `);
  return new Map(rows.map((r) => [r.id, { ...toView(r), orgId: r.org_id }]));
}
