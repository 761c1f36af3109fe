/** Analytics' write side: the documents with the columns that lists ask for, and the outcomes of uploads. */
import { z } from 'zod';
import type { Queries, Saved } from '@lead-flood/postgres';
import { createDocumentStore, numbers, sql, texts } from '@lead-flood/postgres';
import type { Store } from '@lead-flood/processor';
import type { LeadDocument, StoredDocument } from './domain/document.ts';
import { fromStored, storable } from './domain/document.ts';
import { known } from './domain/layer.ts';
import { tallyOf } from './domain/tally.ts';

/**
 * One look instead of a schema: the document is read some five times a lead, only this process writes it, and a full
 * parse would cost more than the fold itself. What clients see is built from it field by field.
 */
const document = z
  .custom<StoredDocument>(
    (value) => typeof value === 'object' && value !== null && 'orgId' in value && 'createdAt' in value,
  )
  .transform(fromStored);

const time = (at: number): string => new Date(at).toISOString();

function searchText(lead: LeadDocument): string {
  const person = known(lead.person);
  const company = known(lead.company);
  const parts = [person.fullName, person.firstName, person.lastName, person.email, company.name, company.domain];
  return parts
    .filter((part) => part !== undefined)
    .join(' ')
    .toLowerCase();
}

export const emailStatusOf = (lead: LeadDocument): string =>
  known(lead.person).email === undefined ? 'missing' : (lead.enrichment?.emailStatus ?? 'unknown');

export const readDocument = (text: string): LeadDocument => document.parse(JSON.parse(text));

export const models = createDocumentStore<LeadDocument>({
  table: 'lead_models',
  state: document,
  columns: [
    { name: 'stage', type: 'text', of: (lead) => (lead.isLead ? lead.stage : null) },
    { name: 'band', type: 'text', of: (lead) => lead.score?.band ?? null },
    { name: 'score', type: 'int4', of: (lead) => lead.score?.value ?? -1 },
    { name: 'icp_id', type: 'text', of: (lead) => lead.icpId },
    { name: 'source', type: 'text', of: (lead) => lead.source },
    { name: 'country', type: 'text', of: (lead) => known(lead.company).countryIso ?? null },
    { name: 'email_status', type: 'text', of: emailStatusOf },
    { name: 'job_id', type: 'uuid', of: (lead) => lead.jobId },
    { name: 'search', type: 'text', of: searchText },
    { name: 'tally', type: 'text', of: (lead) => JSON.stringify(tallyOf(lead)) },
    { name: 'created_at', type: 'timestamptz', of: (lead) => time(lead.createdAt) },
    { name: 'changed_at', type: 'timestamptz', of: (lead) => time(lead.changedAt) },
  ],
});

export const store: Store<LeadDocument> = {
  load: models.load,
  async save(tx, rows) {
    await models.save(
      tx,
      rows.map((row) => ({ ...row, state: storable(row.state) })),
    );
    await countOutcomes(tx, rows);
  },
};

/** Most leads come without an upload: then there is nothing to say. */
async function countOutcomes(tx: Queries, rows: readonly Saved<LeadDocument>[]): Promise<void> {
  const counts = new Map<string, { jobId: string; orgId: string; outcome: string; leads: number }>();
  for (const { orgId, passed } of rows) {
    for (const { answered } of passed) {
      if (answered === undefined || answered.jobId === null) continue;
      const { jobId, outcome } = answered;
      const key = `${jobId}/${orgId}/${outcome}`;
      const count = counts.get(key) ?? { jobId, orgId, outcome, leads: 0 };
      count.leads += 1;
      counts.set(key, count);
    }
  }
  if (counts.size === 0) return;
  // Sorted, so that two replicas that count for the same upload wait for each other instead of deadlocking.
  const sorted = [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
  await tx.query(sql.unsafe`
    insert into upload_outcomes as u (job_id, org_id, outcome, leads)
    select * from unnest(
      ${texts(sorted.map((c) => c.jobId))}::text[],
      ${texts(sorted.map((c) => c.orgId))}::uuid[],
      ${texts(sorted.map((c) => c.outcome))}::text[],
      ${numbers(sorted.map((c) => c.leads))}::bigint[]
    )
    on conflict (job_id, org_id, outcome) do update set leads = u.leads + excluded.leads
  `);
}
