/** The score of each lead, its snapshots, and the rules of the ICPs in a batch. */
import { z } from 'zod';
import type { Queries, Saved } from '@lead-flood/postgres';
import { createDocumentStore, jsons, numbers, sql, texts } from '@lead-flood/postgres';
import type { Store } from '@lead-flood/processor';
import type { LeadScore } from './domain/lead-score.ts';
import type { RuleSet } from './domain/rules.ts';
import { defaultRules } from './domain/rules.ts';
import { ruleSets } from '../rule-set/store.ts';

const NO_ICP = '00000000-0000-0000-0000-000000000000';

const snapshot = z.object({
  icpId: z.string().nullable(),
  snapshotVersion: z.int(),
  sourceVersion: z.int(),
  hash: z.string(),
  features: z.object({
    companyEmployees: z.number().nullable(),
    companyCountry: z.string().nullable(),
    companyIndustry: z.string().nullable(),
    personTitle: z.string().nullable(),
    emailStatus: z.string(),
    emailConfidence: z.number(),
    hasPhone: z.boolean(),
    hasLinkedin: z.boolean(),
    icpMatch: z.string(),
  }),
});

const leadScore: z.ZodType<LeadScore> = z.object({
  snapshot: snapshot.nullable(),
  value: z.number().nullable(),
  band: z.enum(['LOW', 'MEDIUM', 'HIGH']).nullable(),
  rulesVersion: z.int().nullable(),
});

const scores = createDocumentStore<LeadScore>({
  table: 'lead_scores',
  state: leadScore,
  columns: [
    { name: 'value', type: 'int4', of: (state) => state.value },
    { name: 'band', type: 'text', of: (state) => state.band },
  ],
});

export const store: Store<LeadScore> = {
  load: scores.load,
  async save(tx, rows) {
    await scores.save(tx, rows);
    await insertSnapshots(tx, rows);
  },
};

/** Immutable: the same facts again change nothing ([SC-02]'s unique key). */
async function insertSnapshots(tx: Queries, rows: readonly Saved<LeadScore>[]): Promise<void> {
  const taken = rows.flatMap(({ key, orgId, passed }) =>
    passed.flatMap(({ snapshot: taken }) => (taken === null ? [] : [{ leadId: key, orgId, ...taken }])),
  );
  if (taken.length === 0) return;
  await tx.query(sql.unsafe`
    insert into lead_feature_snapshots
      (lead_id, org_id, icp_profile_id, snapshot_version, source_version, feature_vector_hash, features)
    select * from unnest(
      ${texts(taken.map((t) => t.leadId))}::uuid[],
      ${texts(taken.map((t) => t.orgId))}::uuid[],
      ${texts(taken.map((t) => t.icpId ?? NO_ICP))}::uuid[],
      ${numbers(taken.map((t) => t.snapshotVersion))}::int[],
      ${numbers(taken.map((t) => t.sourceVersion))}::bigint[],
      ${texts(taken.map((t) => t.hash))}::text[],
      ${jsons(taken.map((t) => JSON.stringify(t.features)))}
    )
    on conflict do nothing
  `);
}

export type RuleSets = { readonly of: (orgId: string, icpId: string | null) => RuleSet };

/** The rule sets of these ICPs in one statement; an ICP without rules is scored by the default ones. */
export async function readRuleSets(tx: Queries, icpIds: readonly string[]): Promise<RuleSets> {
  const sets = await ruleSets.load(tx, [...new Set(icpIds)]);
  return {
    of: (orgId, icpId) => {
      const set = icpId === null ? undefined : sets.get(icpId);
      return set?.orgId !== orgId || set.state.rules.length === 0 ? defaultRules : set.state;
    },
  };
}
