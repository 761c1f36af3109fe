/** What scoring is fed with where it is broken: every event that it handles, several a lead. */
import { join } from 'node:path';
import type { IcpProfile, LeadEnriched, LeadEnrichmentFailed } from '@lead-flood/contracts';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import type { TestEvent } from '@lead-flood/testing';
import { sampleEnriched, sampleId, sampleOrg, samplePerson, testNow } from '@lead-flood/testing';
import type { Rule, RuleSet } from '../src/rule-set/domain.ts';

const failure = (lead: LeadEnriched): LeadEnrichmentFailed => {
  const { orgId, leadId, submittedAt, person, company, icpId, icpMatch, projectId } = lead;
  return {
    orgId,
    leadId,
    submittedAt,
    person,
    company,
    icpId,
    icpMatch,
    projectId,
    failedAt: testNow,
    reason: 'no-hit',
    attempts: [],
    costMicros: 0,
  };
};

export const at = { schema: 'scoring', migrations: join(import.meta.dirname, '../migrations') };

export const inputs = Array.from({ length: 8 }, (_, i) => i).flatMap((i): TestEvent[] => {
  const leadId = sampleId('scored', i);
  const first = sampleEnriched({ leadId, confidence: 0.5, emailStatus: 'unknown' });
  const second = sampleEnriched({ leadId, person: samplePerson({ phone: i % 2 === 0 ? null : '+46846500413' }) });
  return [
    { name: 'LeadEnriched', data: first, id: sampleId('first', i), version: 1 },
    { name: 'LeadEnrichmentFailed', data: failure(second), id: sampleId('failed', i), version: 2 },
    { name: 'LeadEnriched', data: second, id: sampleId('second', i), version: 3 },
  ];
});

export const profile: IcpProfile = {
  name: 'Nordic manufacturers',
  targetIndustries: ['machinery'],
  targetCountries: ['SE'],
  minCompanySize: 50,
  maxCompanySize: null,
  requiredTechnologies: [],
};

/** ICPs as their owner tells of them; every third is gone again. */
export const icpInputs = Array.from({ length: 9 }, (_, i) => i).flatMap((i): TestEvent[] => {
  const at = { orgId: sampleOrg, icpId: sampleId('icp', i) };
  const told: TestEvent[] = [
    { name: 'IcpCreated', data: { ...at, version: 1, profile, createdAt: testNow }, id: sampleId('c', i), version: 1 },
    { name: 'IcpUpdated', data: { ...at, version: 2, profile, updatedAt: testNow }, id: sampleId('u', i), version: 2 },
    { name: 'IcpDeleted', data: { ...at, deletedAt: testNow }, id: sampleId('d', i), version: 3 },
  ];
  return i % 3 === 0 ? told : told.slice(0, 2);
});

export const ruleOf = (n: number | string, more: Partial<Rule> = {}): Rule => ({
  id: sampleId('rule', n),
  fieldKey: 'companyEmployees',
  operator: 'GTE',
  value: 100,
  weight: 0.5,
  type: 'WEIGHTED',
  description: 'large',
  ...more,
});

/** Every ICP has two rules before anything is heard of it. */
export async function seedRules(database: Database): Promise<void> {
  for (let i = 0; i < 9; i += 1) {
    const state: RuleSet = { icp: 'unknown', version: 2, rules: [ruleOf(`${i}-1`), ruleOf(`${i}-2`)] };
    await database.query(sql.unsafe`
      insert into rule_sets (key, org_id, previous_revision, revision, published, seen, state)
      values (${sampleId('icp', i)}, ${sampleOrg}, 0, 1, 0, '{}', ${JSON.stringify(state)})
    `);
  }
}
