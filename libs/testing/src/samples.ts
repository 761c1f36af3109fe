/** Sample data for tests: invented people at `.example` addresses, with every field that an event needs. */
import type { Company, LeadDiscovered, LeadEnriched, LeadScored, LeadSubmitted, Person } from '@lead-flood/contracts';
import { derivedId } from '@lead-flood/kernel';
import type { TestEvent } from './line.ts';
import { testNow } from './specification.ts';

export const sampleOrg = derivedId('sample', 'org');
export const sampleId = (...parts: (string | number)[]): string => derivedId('sample', ...parts);

export const samplePerson = (overrides: Partial<Person> = {}): Person => ({
  firstName: 'Zoë',
  lastName: 'Lindqvist',
  fullName: 'Zoë Lindqvist',
  email: 'zoe.lindqvist@aurora.se.example',
  phone: '+46846500412',
  linkedinUrl: 'https://www.linkedin.com/in/zoe-lindqvist-example',
  title: 'Head of Procurement',
  ...overrides,
});

export const sampleCompany = (overrides: Partial<Company> = {}): Company => ({
  name: 'Aurora AB',
  domain: 'aurora.se.example',
  countryIso: 'SE',
  employees: 240,
  industry: 'Industrial Machinery',
  ...overrides,
});

export const sampleSubmitted = (overrides: Partial<LeadSubmitted> = {}): LeadSubmitted => ({
  orgId: sampleOrg,
  source: 'crm',
  externalId: 'crm-1',
  submittedAt: testNow - 1_000,
  person: samplePerson(),
  company: sampleCompany(),
  icpId: null,
  projectId: null,
  consent: null,
  attributes: {},
  jobId: null,
  ...overrides,
});

export const sampleDiscovered = (overrides: Partial<LeadDiscovered> = {}): LeadDiscovered => ({
  orgId: sampleOrg,
  leadId: sampleId('lead'),
  submissionId: sampleId('submission'),
  source: 'crm',
  submittedAt: testNow - 1_000,
  discoveredAt: testNow - 900,
  person: samplePerson(),
  company: sampleCompany(),
  icpId: null,
  icpVersion: null,
  icpMatch: 'none',
  projectId: null,
  attributes: {},
  jobId: null,
  ...overrides,
});

/** Every event that discovery's topic carries, of one lead and in the order of its versions; the merge takes in another lead. */
export function everyDiscoveryEvent(leadId: string, lead = sampleDiscovered({ leadId })): TestEvent[] {
  const { orgId, submissionId, source, submittedAt, company, person, jobId } = lead;
  const again = { orgId, leadId, submissionId, source, submittedAt, matchedBy: ['email'], jobId };
  const mergedLeadId = sampleId('merged', leadId);
  const events: readonly TestEvent[] = [
    { name: 'LeadDiscovered', data: lead },
    { name: 'LeadUpdated', data: { ...again, person, company, changed: ['person.title'] } },
    { name: 'LeadDuplicated', data: again },
    { name: 'LeadRejected', data: { orgId, submissionId, source, submittedAt, reasons: [], jobId } },
    { name: 'LeadMerged', data: { orgId, leadId, mergedLeadId, evidence: ['email'], mergedAt: testNow } },
    {
      name: 'ConsentRecorded',
      data: { orgId, leadId, person, basis: 'customer', note: null, source, refuses: false, givenAt: testNow },
    },
    { name: 'LeadErased', data: { orgId, leadId, erasedAt: testNow, reason: 'asked' } },
  ];
  return events.map((event, n): TestEvent => ({ ...event, id: sampleId(event.name, leadId), version: n + 1 }));
}

export const sampleEnriched = (overrides: Partial<LeadEnriched> = {}): LeadEnriched => ({
  orgId: sampleOrg,
  leadId: sampleId('lead'),
  submittedAt: testNow - 1_000,
  enrichedAt: testNow - 500,
  person: samplePerson(),
  company: sampleCompany(),
  emailStatus: 'verified',
  confidence: 0.95,
  icpId: null,
  icpMatch: 'none',
  projectId: null,
  fields: [],
  attempts: [],
  costMicros: 0,
  ...overrides,
});

export const sampleScored = (overrides: Partial<LeadScored> = {}): LeadScored => ({
  orgId: sampleOrg,
  leadId: sampleId('lead'),
  submittedAt: testNow - 1_000,
  scoredAt: testNow - 200,
  person: samplePerson(),
  company: sampleCompany(),
  emailStatus: 'verified',
  icpId: null,
  projectId: null,
  value: 85,
  band: 'HIGH',
  reasons: [],
  scorer: 'rules',
  rulesVersion: 0,
  snapshotHash: sampleId('hash'),
  snapshotVersion: 1,
  ...overrides,
});
