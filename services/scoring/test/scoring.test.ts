/** How a lead is scored and explained. */
import { describe, expect, it } from 'vitest';
import type { LeadEnrichmentFailed } from '@lead-flood/contracts';
import {
  sampleCompany,
  sampleDiscovered,
  sampleEnriched,
  sampleId,
  samplePerson,
  specify,
  testNow,
} from '@lead-flood/testing';
import type { Rule, RuleSet } from '../src/lead-score/domain/rules.ts';
import { defaultRules, score } from '../src/lead-score/domain/rules.ts';
import { enrichedFeatures } from '../src/lead-score/domain/features.ts';
import { scoring } from '../src/lead-score/processor.ts';

const leadId = sampleId('lead');
const spec = (rules: RuleSet = defaultRules) => specify(scoring, rules);
const rule = (overrides: Partial<Rule>): Rule => ({
  id: sampleId('rule'),
  fieldKey: 'companyEmployees',
  operator: 'GTE',
  value: 100,
  weight: 0.3,
  type: 'WEIGHTED',
  description: '',
  ...overrides,
});
const features = enrichedFeatures(sampleEnriched());

describe('an enriched lead', () => {
  it('[SC-04] gets a value, a band and the part of every rule in them', () => {
    const { decision } = spec()
      .givenInputs()
      .when('LeadEnriched', sampleEnriched({ leadId }))
      .thenEmits({ name: 'LeadScored', data: { leadId, value: 100, band: 'HIGH', scorer: 'rules' } });
    const reasons =
      decision.kind === 'apply' && decision.emit[0]?.name === 'LeadScored' ? decision.emit[0].data.reasons : [];
    expect(reasons).toHaveLength(defaultRules.rules.length);
    expect(reasons.reduce((sum, reason) => sum + reason.contribution, 0)).toBeCloseTo(100);
  });

  it.each([
    ['HIGH', sampleEnriched()],
    ['MEDIUM', sampleEnriched({ emailStatus: 'risky' })],
    [
      'LOW',
      sampleEnriched({
        emailStatus: 'unknown',
        confidence: 0,
        person: samplePerson({ phone: null, linkedinUrl: null }),
      }),
    ],
  ])('[SC-04] can be %s', (band, lead) => {
    spec().givenInputs().when('LeadEnriched', lead).thenEmits({ name: 'LeadScored', data: { band } });
  });

  it('[SC-01] leaves an immutable snapshot of its features with a hash', () => {
    const { decision } = spec().givenInputs().when('LeadEnriched', sampleEnriched({ leadId }), { version: 3 });
    expect(decision).toMatchObject({
      state: {
        snapshot: {
          snapshotVersion: 1,
          sourceVersion: 3,
          features: { companyEmployees: 240, companyIndustry: 'industrial machinery', hasPhone: true },
        },
      },
    });
  });

  it('[SC-01] outside its ICP scores zero, whatever else it has', () => {
    spec()
      .givenInputs()
      .when('LeadEnriched', sampleEnriched({ icpMatch: 'miss' }))
      .thenEmits({ name: 'LeadScored', data: { value: 0, band: 'LOW' } });
  });

  it('[SC-02] with the same features under the same rules is not scored again', () => {
    const lead = sampleEnriched({ leadId });
    spec()
      .givenInputs(['LeadEnriched', lead])
      .when('LeadEnriched', { ...lead, enrichedAt: testNow })
      .thenSkips('unchanged');
  });

  it('with other features is scored again', () => {
    spec()
      .givenInputs(['LeadEnriched', sampleEnriched({ leadId, emailStatus: 'risky' })])
      .when('LeadEnriched', sampleEnriched({ leadId }))
      .thenEmits({ name: 'LeadScored', data: { band: 'HIGH' } });
  });
});

describe('a lead that could not be enriched', () => {
  it('is scored by what was discovered, its address unchecked', () => {
    const { orgId, submittedAt, person, company, icpId, icpMatch, projectId } = sampleDiscovered();
    const failed: LeadEnrichmentFailed = {
      orgId,
      leadId,
      submittedAt,
      failedAt: testNow,
      person,
      company,
      reason: 'no-hit',
      icpId,
      icpMatch,
      projectId,
      attempts: [],
      costMicros: 0,
    };
    spec()
      .givenInputs()
      .when('LeadEnrichmentFailed', failed)
      .thenEmits({ name: 'LeadScored', data: { emailStatus: 'unknown' } });
  });
});

describe('rules', () => {
  it('[SC-03] WEIGHTED ones share out the hundred points', () => {
    const rules = [rule({ weight: 0.3 }), rule({ fieldKey: 'hasPhone', operator: 'EQ', value: false, weight: 0.1 })];
    expect(score(features, { version: 1, rules })).toMatchObject({
      value: 75,
      band: 'HIGH',
      reasons: [
        { passed: true, contribution: 75 },
        { passed: false, contribution: 0 },
      ],
    });
  });

  it('[SC-03] a HARD_FILTER that fails sinks the lead', () => {
    const rules = [
      rule({}),
      rule({ type: 'HARD_FILTER', fieldKey: 'companyCountry', operator: 'IN', value: ['DE', 'FR'], weight: 0 }),
    ];
    expect(score(features, { version: 1, rules })).toMatchObject({ value: 0, band: 'LOW' });
  });

  it.each<[Partial<Rule>, boolean]>([
    [{ operator: 'GTE', value: 240 }, true],
    [{ operator: 'GT', value: 240 }, false],
    [{ operator: 'LTE', value: 240 }, true],
    [{ operator: 'LT', value: 240 }, false],
    [{ fieldKey: 'companyCountry', operator: 'EQ', value: 'se' }, true],
    [{ fieldKey: 'companyCountry', operator: 'NEQ', value: 'SE' }, false],
    [{ fieldKey: 'personTitle', operator: 'CONTAINS', value: 'Procurement' }, true],
    [{ fieldKey: 'companyIndustry', operator: 'IN', value: ['Industrial Machinery'] }, true],
    [{ fieldKey: 'hasLinkedin', operator: 'EXISTS', value: true }, true],
    [{ fieldKey: 'companyCountry', operator: 'GT', value: 3 }, false],
  ])('%j holds: %s', (overrides, passed) => {
    expect(score(features, { version: 1, rules: [rule(overrides)] }).reasons[0]?.passed).toBe(passed);
  });

  it('say nothing about what is not known, except that it is missing', () => {
    const unknown = enrichedFeatures(sampleEnriched({ company: sampleCompany({ employees: null }) }));
    const passed = (operator: Rule['operator'], value: Rule['value']) =>
      score(unknown, { version: 1, rules: [rule({ operator, value })] }).reasons[0]?.passed;
    expect([
      passed('GTE', 1),
      passed('LTE', 1),
      passed('EXISTS', true),
      passed('EXISTS', false),
      passed('NEQ', 5),
    ]).toEqual([false, false, false, true, true]);
  });
});
