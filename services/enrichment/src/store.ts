/** Enrichment's tables: the state of each lead, its attempts and contact points. */
import { z } from 'zod';
import type { Queries, Saved } from '@lead-flood/postgres';
import { createDocumentStore, numbers, sql, texts, times } from '@lead-flood/postgres';
import type { Store } from '@lead-flood/processor';
import type { Enrichment } from './domain/enrichment.ts';
import { countAttempts } from './statistics.ts';

const enrichment: z.ZodType<Enrichment> = z.object({
  status: z.enum(['PENDING', 'COMPLETED', 'FAILED']),
  attempts: z.array(
    z.object({
      provider: z.string(),
      status: z.enum(['hit', 'miss', 'rate-limited', 'failed']),
      confidence: z.number().nullable(),
      latencyMs: z.number(),
      costMicros: z.number(),
    }),
  ),
  contacts: z.array(
    z.object({
      kind: z.enum(['email', 'phone', 'linkedin']),
      value: z.string(),
      status: z.string(),
      provider: z.string(),
      confidence: z.number(),
    }),
  ),
  observedAt: z.number(),
});

const leads = createDocumentStore<Enrichment>({
  table: 'lead_enrichments',
  state: enrichment,
  columns: [{ name: 'status', type: 'text', of: (state) => state.status }],
});

export const store: Store<Enrichment> = {
  load: leads.load,
  async save(tx, rows) {
    await leads.save(tx, rows);
    await insertAttempts(tx, rows);
    await insertContacts(tx, rows);
    await countAttempts(
      tx,
      rows.flatMap((row) => row.passed.flatMap((state) => state.attempts)),
    );
  },
};

async function insertAttempts(tx: Queries, rows: readonly Saved<Enrichment>[]): Promise<void> {
  const attempts = rows.flatMap(({ key, orgId, state }) =>
    state.attempts.map((attempt, position) => ({ key, orgId, position, ...attempt })),
  );
  if (attempts.length === 0) return;
  await tx.query(sql.unsafe`
    insert into enrichment_attempts (lead_id, org_id, position, provider, status, confidence, latency_ms, cost_micros)
    select * from unnest(
      ${texts(attempts.map((a) => a.key))}::uuid[],
      ${texts(attempts.map((a) => a.orgId))}::uuid[],
      ${numbers(attempts.map((a) => a.position))}::int[],
      ${texts(attempts.map((a) => a.provider))}::text[],
      ${texts(attempts.map((a) => a.status))}::text[],
      ${numbers(attempts.map((a) => a.confidence))}::float8[],
      ${numbers(attempts.map((a) => a.latencyMs))}::int[],
      ${numbers(attempts.map((a) => a.costMicros))}::bigint[]
    )
    on conflict do nothing
  `);
}

async function insertContacts(tx: Queries, rows: readonly Saved<Enrichment>[]): Promise<void> {
  const contacts = rows.flatMap(({ key, orgId, state }) =>
    state.contacts.map((contact) => ({ key, orgId, observedAt: state.observedAt, ...contact })),
  );
  if (contacts.length === 0) return;
  await tx.query(sql.unsafe`
    insert into contact_points (lead_id, org_id, kind, value, status, provider, confidence, observed_at)
    select * from unnest(
      ${texts(contacts.map((c) => c.key))}::uuid[],
      ${texts(contacts.map((c) => c.orgId))}::uuid[],
      ${texts(contacts.map((c) => c.kind))}::text[],
      ${texts(contacts.map((c) => c.value))}::text[],
      ${texts(contacts.map((c) => c.status))}::text[],
      ${texts(contacts.map((c) => c.provider))}::text[],
      ${numbers(contacts.map((c) => c.confidence))}::float8[],
      ${times(contacts.map((c) => c.observedAt))}::timestamptz[]
    )
    on conflict do nothing
  `);
}
