/** The tables of tasks, and of leads that must not be called. */
import { z } from 'zod';
import { addressKeysOf } from '@lead-flood/kernel';
import type { Queries, Saved } from '@lead-flood/postgres';
import { createDocumentStore, numbers, sql, texts } from '@lead-flood/postgres';
import type { Store } from '@lead-flood/processor';
import { areaKey } from './calling-area.ts';
import type { Open, Task } from './domain/task.ts';
import { outcomes, taskStatuses } from './domain/task.ts';

const text = z.string().nullable();
const silent = z.array(z.object({ kind: z.enum(['email', 'phone']), value: z.string() })).default([]);
const task: z.ZodType<Task> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('declined'), leadId: z.string(), reason: z.string(), silent }),
  z.object({
    kind: z.literal('task'),
    status: z.enum(taskStatuses),
    leadId: z.string(),
    projectId: text,
    fullName: text,
    phone: z.string(),
    // Rows from before silence was asked for by address have none.
    email: text.default(null),
    company: text,
    region: z.object({ regionIso: z.string(), languageCode: z.string(), timezones: z.array(z.string()) }),
    priority: z.int(),
    rank: z.int(),
    queuedAt: z.number(),
    callerId: text,
    outcome: z.enum(outcomes).nullable(),
    requeueReason: text,
    // Rows from before tasks came back have neither.
    recallOf: z.number().nullable().default(null),
    recalls: z.int().default(0),
    cancelledBy: z.enum(['unsubscribed', 'suppressed', 'merged']).nullable().default(null),
    silent,
  }),
]);

/** A column of tasks proper; what was declined has none. */
const column = (name: string, type: string, of: (open: Open) => string | number | null) => ({
  name,
  type,
  of: (state: Task) => (state.kind === 'task' ? of(state) : null),
});

const keyOf = (open: Open, kind: 'phone' | 'email'): string | null =>
  addressKeysOf(open).find((key) => key.kind === kind)?.value ?? null;

export const tasks = createDocumentStore<Task>({
  table: 'call_tasks',
  state: task,
  columns: [
    { name: 'status', type: 'text', of: (state) => (state.kind === 'task' ? state.status : 'DECLINED') },
    { name: 'lead_id', type: 'uuid', of: (state) => (state.kind === 'none' ? null : state.leadId) },
    column('project_id', 'uuid', (open) => open.projectId),
    column('caller_id', 'uuid', (open) => open.callerId),
    column('region_iso', 'text', (open) => open.region.regionIso),
    column('language_code', 'text', (open) => open.region.languageCode),
    column('calling_area', 'text', (open) => areaKey(open.region)),
    column('priority', 'int4', (open) => open.priority),
    column('rank', 'int4', (open) => open.rank),
    column('phone_key', 'text', (open) => keyOf(open, 'phone')),
    column('email_key', 'text', (open) => keyOf(open, 'email')),
    column('queued_at', 'timestamptz', (open) => new Date(open.queuedAt).toISOString()),
  ],
});

export const store: Store<Task> = {
  load: tasks.load,
  async save(tx, rows) {
    await tasks.save(tx, rows);
    await suppress(tx, rows);
    await silenceAddresses(tx, rows);
  },
};

const SILENCING: ReadonlySet<string> = new Set(['unsubscribed', 'suppressed', 'merged']);

async function suppress(tx: Queries, rows: readonly Saved<Task>[]): Promise<void> {
  const silent = rows.flatMap(({ orgId, state }) => {
    if (state.kind === 'declined' && SILENCING.has(state.reason))
      return [{ orgId, leadId: state.leadId, reason: state.reason }];
    if (state.kind !== 'task') return [];
    if (state.outcome === 'NEVER_CONTACT_AGAIN')
      return [{ orgId, leadId: state.leadId, reason: 'never_contact_again' }];
    return state.status === 'CANCELLED' || state.cancelledBy !== null
      ? [{ orgId, leadId: state.leadId, reason: state.cancelledBy ?? 'unsubscribed' }]
      : [];
  });
  if (silent.length === 0) return;
  await tx.query(sql.unsafe`
    insert into suppressed_leads (lead_id, org_id, reason)
    select * from unnest(
      ${texts(silent.map((s) => s.leadId))}::uuid[],
      ${texts(silent.map((s) => s.orgId))}::uuid[],
      ${texts(silent.map((s) => s.reason))}::text[]
    )
    on conflict do nothing
  `);
}

async function silenceAddresses(tx: Queries, rows: readonly Saved<Task>[]): Promise<void> {
  const keys = rows.flatMap(({ orgId, state }) =>
    state.kind === 'none' ? [] : state.silent.map((key) => ({ orgId, ...key })),
  );
  if (keys.length === 0) return;
  await tx.query(sql.unsafe`
    insert into suppressed_addresses (org_id, kind, value)
    select * from unnest(
      ${texts(keys.map((k) => k.orgId))}::uuid[],
      ${texts(keys.map((k) => k.kind))}::text[],
      ${texts(keys.map((k) => k.value))}::text[]
    )
    on conflict do nothing
  `);
}

export type Asked = {
  readonly n: number;
  readonly orgId: string;
  readonly leadId: string;
  readonly person: { readonly email: string | null; readonly phone: string | null } | null;
};

/** Which of these people want silence, under this lead or by one of their addresses; by `n`. */
export async function readSilent(tx: Queries, asked: readonly Asked[]): Promise<ReadonlySet<number>> {
  const keys = asked.flatMap(({ n, orgId, leadId, person }) =>
    [{ kind: 'lead', value: leadId }, ...addressKeysOf(person)].map((key) => ({ n, orgId, ...key })),
  );
  if (keys.length === 0) return new Set();
  const rows = await tx.anyFirst(sql.type(z.object({ n: z.int() }))`
    select distinct wanted.n
    from unnest(
      ${numbers(keys.map((k) => k.n))}::int[],
      ${texts(keys.map((k) => k.orgId))}::uuid[],
      ${texts(keys.map((k) => k.kind))}::text[],
      ${texts(keys.map((k) => k.value))}::text[]
    ) as wanted(n, org_id, kind, value)
    where exists (
        select from suppressed_addresses s
        where s.org_id = wanted.org_id and s.kind = wanted.kind and s.value = wanted.value
      )
      or exists (
        select from suppressed_leads l
        where l.org_id = wanted.org_id and l.lead_id = case when wanted.kind = 'lead' then wanted.value::uuid end
      )
  `);
  return new Set(rows);
}
