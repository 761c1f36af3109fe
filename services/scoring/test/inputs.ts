/** What scoring is fed with where it is broken: every event that it handles, several a lead. */
import { join } from 'node:path';
import type { LeadEnriched, LeadEnrichmentFailed } from '@lead-flood/contracts';
import type { TestEvent } from '@lead-flood/testing';
import { sampleEnriched, sampleId, samplePerson, testNow } from '@lead-flood/testing';

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
