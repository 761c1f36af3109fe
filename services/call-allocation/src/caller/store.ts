/** The table of callers. */
import { z } from 'zod';
import { callerCursor } from '@lead-flood/contracts';
import { CodedError, isId } from '@lead-flood/kernel';
import type { Queries } from '@lead-flood/postgres';
import { createDocumentStore, numbers, sql, texts } from '@lead-flood/postgres';
import type { Caller, KnownCaller } from './domain.ts';

const caller: z.ZodType<Caller> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({
    kind: z.literal('caller'),
    email: z.string(),
    name: z.string(),
    timezone: z.string(),
    languageCodes: z.array(z.string()),
    regionIsoCodes: z.array(z.string()),
    metadata: z.record(z.string(), z.string()),
    userId: z.string().nullable(),
    allocationStatus: z.string(),
    createdAt: z.number(),
    updatedAt: z.number(),
  }),
]);

const column = (name: string, type: string, of: (known: KnownCaller) => string | null) => ({
  name,
  type,
  of: (state: Caller) => (state.kind === 'caller' ? of(state) : null),
});

export const callers = createDocumentStore<Caller>({
  table: 'callers',
  state: caller,
  columns: [
    column('user_id', 'uuid', (known) => known.userId),
    column('email', 'text', (known) => known.email),
    // Codes have no spaces; what matches asks for one of them.
    column('language_codes', 'text', (known) => known.languageCodes.join(' ')),
    column('region_iso_codes', 'text', (known) => known.regionIsoCodes.join(' ')),
    column('allocation_status', 'text', (known) => known.allocationStatus),
  ],
});

export type CallerRow = { readonly id: string; readonly caller: KnownCaller };

type Asked = {
  readonly orgId: string;
  readonly callerId: string;
  readonly email: string | null;
  readonly userId: string | null;
};

/** Whether somebody else of the organisation has this address or account; in the order asked. */
export async function takenByOthers(tx: Queries, asked: readonly Asked[]): Promise<readonly boolean[]> {
  const taken = await tx.anyFirst(sql.type(z.object({ n: z.int() }))`
    select distinct wanted.n
    from unnest(
      ${numbers(asked.map((_, n) => n))}::int[],
      ${texts(asked.map((a) => a.orgId))}::uuid[],
      ${texts(asked.map((a) => a.callerId))}::uuid[],
      ${texts(asked.map((a) => a.email))}::text[],
      ${texts(asked.map((a) => a.userId))}::uuid[]
    ) as wanted(n, org_id, caller_id, email, user_id)
    join callers c on c.org_id = wanted.org_id and c.key <> wanted.caller_id
      and (c.email = wanted.email or c.user_id = wanted.user_id)
  `);
  const found = new Set(taken);
  return asked.map((_, n) => found.has(n));
}

type CallerQuery = {
  readonly allocationStatus?: string | undefined;
  readonly limit: number;
  readonly cursor?: readonly [id: string] | undefined;
};

export async function listCallers(database: Queries, orgId: string, query: CallerQuery) {
  const { allocationStatus: status, cursor, limit } = query;
  const keys = await database.anyFirst(sql.type(z.object({ key: z.string() }))`
    select key from callers
    where org_id = ${orgId}
      ${status === undefined ? sql.fragment`` : sql.fragment`and allocation_status = ${status}`}
      ${cursor === undefined ? sql.fragment`` : sql.fragment`and key > ${cursor[0]}::uuid`}
    order by key limit ${limit + 1}
  `);
  const page = keys.slice(0, limit);
  const last = page.at(-1);
  return {
    rows: [...(await readCallers(database, page)).values()],
    nextCursor: keys.length > limit && last !== undefined ? callerCursor.write([last]) : null,
  };
}

export async function getCaller(database: Queries, orgId: string, id: string): Promise<KnownCaller> {
  const state = (await callers.loadOf(database, orgId, id))?.state;
  if (state?.kind !== 'caller') throw new CodedError('CAL_ERR_UNKNOWN_CALLER', 'there is no such caller');
  return state;
}

/** The caller who is logged in: by the account's id, or by an id that is the caller's own (S3's tokens). */
export async function callerOfUser(database: Queries, orgId: string, userId: string): Promise<CallerRow> {
  // A token may name its user in any way; only an id of ours can be a caller's.
  const id = isId(userId)
    ? await database.maybeOneFirst(sql.type(z.object({ key: z.string() }))`
        select key from callers where org_id = ${orgId} and (user_id = ${userId} or key = ${userId}) limit 1
      `)
    : null;
  if (id === null) throw new CodedError('CAL_ERR_UNKNOWN_CALLER', 'this account belongs to no caller');
  return { id, caller: await getCaller(database, orgId, id) };
}

/** Of whatever organisation, in the order asked; those that are not there are left out. */
export async function readCallers(
  queries: Queries,
  ids: readonly string[],
): Promise<ReadonlyMap<string, CallerRow & { readonly orgId: string }>> {
  const stored = await callers.load(queries, ids);
  return new Map(
    ids.flatMap((id) => {
      const row = stored.get(id);
      return row?.state.kind === 'caller' ? [[id, { id, orgId: row.orgId, caller: row.state }] as const] : [];
    }),
  );
}
