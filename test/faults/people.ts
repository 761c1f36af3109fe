/** Submissions of invented people for the fault tests: the same for the same number. */
import type { LeadSubmitted } from '@lead-flood/contracts';
import { person as invent } from '../sandbox/src/index.ts';

/** Of the submissions that come by Kafka. */
export const SOURCE = 'fault-test';

export function person(seed: number, orgId: string): LeadSubmitted & { externalId: string } {
  const { firstName, lastName, fullName, email, phone, linkedinUrl, title, company } = invent(seed);
  const { name, domain, countryIso, employees, industry } = company;
  return {
    orgId,
    source: SOURCE,
    externalId: `fault-${seed}`,
    submittedAt: Date.now(),
    person: { firstName, lastName, fullName, email, phone, linkedinUrl, title },
    company: { name, domain, countryIso: /^[A-Z]{2}$/.test(countryIso) ? countryIso : null, employees, industry },
    icpId: null,
    projectId: null,
    consent: null,
    attributes: {},
    jobId: null,
  };
}
