/** Callers (CA-01, CA-02), and the match between a caller and what waits (CA-19). */
import { z } from 'zod';
import type { CallerBody, CallerView } from '@lead-flood/contracts';
import { CodedError } from '@lead-flood/kernel';
import type { Queries } from '@lead-flood/postgres';
import { sql, sqlState, texts } from '@lead-flood/postgres';

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

export async function saveCaller(database: Queries, orgId: string, id: string, body: CallerBody): Promise<CallerView> {
  try {
    const saved = await database.one(sql.type(row)`
      insert into callers (id, org_id, user_id, email, name, timezone, language_codes, region_iso_codes, metadata)
      values (${id}, ${orgId}, ${body.userId ?? null}, ${body.email}, ${body.name}, ${body.timezone},
        ${texts(body.languageCodes)}::text[], ${texts(body.regionIsoCodes)}::text[], ${JSON.stringify(body.metadata)})
      on conflict (id) do update set user_id = excluded.user_id, email = excluded.email, name = excluded.name, timezone = excluded.timezone,
        language_codes = excluded.language_codes, region_iso_codes = excluded.region_iso_codes, metadata = excluded.metadata, updated_at = now()
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

export async function getCaller(database: Queries, orgId: string, id: string): Promise<CallerView> {
  const found = await database.maybeOne(
    sql.type(row)`select ${columns} from callers where org_id = ${orgId} and id = ${id}`,
  );
  if (found === null) throw new CodedError('CAL_ERR_UNKNOWN_CALLER', 'there is no such caller');
  return toView(found);
}

/** The caller who is logged in: by the account's id, or by an id that is the caller's own (S3's tokens). */
export async function callerOfUser(database: Queries, orgId: string, userId: string): Promise<CallerView> {
  const found = await database.maybeOne(
    sql.type(
      row,
    )`select ${columns} from callers where org_id = ${orgId} and (user_id = ${userId} or id = ${userId}) limit 1`,
  );
  if (found === null) throw new CodedError('CAL_ERR_UNKNOWN_CALLER', 'this account belongs to no caller');
  return toView(found);
}

export async function activeTaskOf(database: Queries, callerId: string): Promise<string | null> {
  return database.maybeOneFirst(sql.type(z.object({ key: z.string() }))`
    select key from call_tasks where caller_id = ${callerId} and status in ('ASSIGNED', 'DIALING')
  `);
}

/**
 * What this caller could call now: region and language must match, it must be between 09:00 and 20:00 where the phone
 * rings; then priority, the lead's rank, the oldest first.
 */
export async function matchingTasks(
  database: Queries,
  orgId: string,
  caller: CallerView,
  limit: number,
): Promise<readonly string[]> {
  return database.anyFirst(sql.type(z.object({ key: z.string() }))`
    select key from call_tasks
    where org_id = ${orgId} and status = 'PENDING'
      and region_iso = any(${texts(caller.regionIsoCodes)}::text[])
      and language_code = any(${texts(caller.languageCodes)}::text[])
      and (now() at time zone timezone)::time >= time '09:00' and (now() at time zone timezone)::time < time '20:00'
    order by priority desc, rank desc, queued_at
    limit ${limit}
  `);
}
