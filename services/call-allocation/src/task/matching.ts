/** The match between a caller and what waits (CA-19). */
import { z } from 'zod';
import type { Queries } from '@lead-flood/postgres';
import { sql, texts } from '@lead-flood/postgres';
import { openAreas } from './calling-area.ts';

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

/** Waits, in the caller's regions and languages, where somebody may be called now who has not asked for silence since. */
const fits = (regions: Fragment, languages: Fragment, open: readonly string[]): Fragment => sql.fragment`
  t.status = 'PENDING' and t.region_iso = any(${regions}) and t.language_code = any(${languages})
  and t.calling_area = any(${texts(open)}::text[])
  and not exists (
    select from suppressed_addresses s
    where s.org_id = t.org_id and ((s.kind = 'phone' and s.value = t.phone_key) or (s.kind = 'email' and s.value = t.email_key))
  )
`;

const codes = (column: string): Fragment => sql.fragment`string_to_array(c.${sql.identifier([column])}, ' ')`;

export type FreeCaller = { readonly orgId: string; readonly callerId: string };

/** Active callers of all organisations who hold no task although one waits that they could call now. */
export async function freeCallers(queries: Queries, now: number): Promise<readonly FreeCaller[]> {
  const open = await openAreas(queries, now);
  const rows = await queries.any(sql.type(z.object({ org_id: z.string(), key: z.string() }))`
    select c.org_id, c.key from callers c
    where c.allocation_status = 'ACTIVE'
      and not exists (select from call_tasks h where h.caller_id = c.key and h.status in ('ASSIGNED', 'DIALING'))
      and exists (
        select from call_tasks t
        where t.org_id = c.org_id and ${fits(codes('region_iso_codes'), codes('language_codes'), open)}
      )
    order by c.key
  `);
  return rows.map((r) => ({ orgId: r.org_id, callerId: r.key }));
}

/** What this caller could call in the open places, best first: by priority, the lead's rank, the oldest first. */
export async function matchingTasks(
  database: Queries,
  orgId: string,
  caller: { readonly regionIsoCodes: readonly string[]; readonly languageCodes: readonly string[] },
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
