/** The tables of tasks, and of leads that must not be called. */
import { z } from 'zod';
import type { Queries, Saved } from '@lead-flood/postgres';
import { createDocumentStore, sql, texts } from '@lead-flood/postgres';
import type { Store } from '@lead-flood/processor';
import { areaKey } from './calling-area.ts';
import type { Open, Task } from './domain/task.ts';
import { outcomes, taskStatuses } from './domain/task.ts';

const text = z.string().nullable();
const task: z.ZodType<Task> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('declined'), leadId: z.string(), reason: z.string() }),
  z.object({
    kind: z.literal('task'),
    status: z.enum(taskStatuses),
    leadId: z.string(),
    projectId: text,
    fullName: text,
    phone: z.string(),
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
    cancelledBy: z.enum(['unsubscribed', 'merged']).nullable().default(null),
  }),
]);

/** A column of tasks proper; what was declined has none. */
const column = (name: string, type: string, of: (open: Open) => string | number | null) => ({
  name,
  type,
  of: (state: Task) => (state.kind === 'task' ? of(state) : null),
});

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
    column('queued_at', 'timestamptz', (open) => new Date(open.queuedAt).toISOString()),
  ],
});

export const store: Store<Task> = {
  load: tasks.load,
  async save(tx, rows) {
    await tasks.save(tx, rows);
    await suppress(tx, rows);
  },
};

async function suppress(tx: Queries, rows: readonly Saved<Task>[]): Promise<void> {
  const silent = rows.flatMap(({ orgId, state }) => {
    if (state.kind === 'declined' && (state.reason === 'unsubscribed' || state.reason === 'merged'))
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

export async function suppressedLeads(tx: Queries, leadIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (leadIds.length === 0) return new Set();
  return new Set(
    await tx.anyFirst(
      sql.type(
        z.object({ lead_id: z.string() }),
      )`select lead_id from suppressed_leads where lead_id = any(${texts(leadIds)}::uuid[])`,
    ),
  );
}
