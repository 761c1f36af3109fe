/** Discovery's tables: leads, and the record of every submission with its outcome. */
import { z } from 'zod';
import { TransientError } from '@lead-flood/kernel';
import type { Queries, Saved } from '@lead-flood/postgres';
import { createDocumentStore, jsons, sql, texts } from '@lead-flood/postgres';
import type { Store } from '@lead-flood/processor';
import type { Lead } from './domain/lead.ts';
import { jobIdOf } from './domain/lead.ts';

const text = z.string().nullable();
const record = z.object({
  submissionId: z.string(),
  naturalKey: z.string(),
  source: z.string(),
  outcome: z.enum(['DISCOVERED', 'UPDATED', 'DUPLICATE', 'REJECTED']),
  reasons: z.array(z.object({ code: z.string(), field: z.string(), detail: z.string() })),
});

const lead: z.ZodType<Lead> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('unknown') }),
  z.object({ kind: z.literal('refused'), last: record }),
  z.object({
    kind: z.literal('known'),
    person: z.object({
      firstName: text,
      lastName: text,
      fullName: text,
      email: text,
      phone: text,
      linkedinUrl: text,
      title: text,
    }),
    company: z.object({ name: text, domain: text, countryIso: text, employees: z.number().nullable(), industry: text }),
    keys: z.array(z.string()),
    source: z.string(),
    icpId: text,
    projectId: text,
    attributes: z.record(z.string(), z.string()),
    // Rows from before it was kept have none.
    consent: z
      .object({ basis: text, note: text, source: z.string(), refuses: z.boolean(), givenAt: z.number() })
      .nullable()
      .default(null),
    submissions: z.int(),
    discoveredAt: z.number(),
    updatedAt: z.number(),
    last: record,
  }),
]);

export const leads = createDocumentStore<Lead>({
  table: 'leads',
  state: lead,
  columns: [{ name: 'job_id', type: 'uuid', of: (_state, key) => jobIdOf(key) }],
});

export const store: Store<Lead> = {
  load: leads.load,
  async save(tx, rows) {
    await insertRecords(tx, rows);
    // A refused submission is no lead: its record is all that stays.
    await leads.save(
      tx,
      rows.filter((row) => row.state.kind === 'known'),
    );
  },
};

async function insertRecords(tx: Queries, rows: readonly Saved<Lead>[]): Promise<void> {
  const records = rows.flatMap(({ key, orgId, passed }) =>
    passed.flatMap((state) =>
      state.kind === 'unknown' ? [] : [{ orgId, leadId: state.kind === 'known' ? key : null, ...state.last }],
    ),
  );
  if (records.length === 0) return;
  const { rowCount } = await tx.query(sql.unsafe`
    insert into lead_discovery_records (submission_id, org_id, natural_key, lead_id, source, outcome, reasons)
    select * from unnest(
      ${texts(records.map((r) => r.submissionId))}::uuid[],
      ${texts(records.map((r) => r.orgId))}::uuid[],
      ${texts(records.map((r) => r.naturalKey))}::text[],
      ${texts(records.map((r) => r.leadId))}::uuid[],
      ${texts(records.map((r) => r.source))}::text[],
      ${texts(records.map((r) => r.outcome))}::text[],
      ${jsons(records.map((r) => JSON.stringify(r.reasons)))}
    )
    on conflict do nothing
  `);
  if (rowCount !== records.length)
    throw new TransientError(
      'PGS_ERR_CONFLICT',
      `${records.length - rowCount} submissions were answered by somebody else meanwhile`,
    );
}

/** Which of these submissions have been answered before. */
export async function answeredSubmissions(
  tx: Queries,
  submissions: readonly { orgId: string; naturalKey: string }[],
): Promise<ReadonlySet<string>> {
  const rows = await tx.any(sql.type(z.object({ org_id: z.string(), natural_key: z.string() }))`
    select wanted.org_id, wanted.natural_key
    from unnest(
      ${texts(submissions.map((s) => s.orgId))}::uuid[],
      ${texts(submissions.map((s) => s.naturalKey))}::text[]
    ) as wanted(org_id, natural_key)
    cross join lateral (
      select from lead_discovery_records r where r.org_id = wanted.org_id and r.natural_key = wanted.natural_key limit 1
    ) answered
  `);
  return new Set(rows.map((r) => `${r.org_id}/${r.natural_key}`));
}

/** The lead whose enrichment job this is. */
export async function leadOfJob(database: Queries, jobId: string): Promise<string | null> {
  return database.maybeOneFirst(sql.type(z.object({ key: z.string() }))`select key from leads where job_id = ${jobId}`);
}
