/** A lead as clients hand it in, as the public event of it. Nothing is normalised here: identity is discovery's. */
import type { CreateLead, LeadSubmitted } from '@lead-flood/contracts';

export type SubmissionFacts = {
  readonly orgId: string;
  readonly jobId: string;
  readonly row: number;
  readonly submittedAt: number;
};

/** Without an id of the source's own, the place in the upload is one: the same upload again is then recognised. */
export const toSubmission = (lead: CreateLead, { orgId, jobId, row, submittedAt }: SubmissionFacts): LeadSubmitted => ({
  orgId,
  source: lead.source,
  externalId: lead.externalId ?? `${jobId}:${row}`,
  submittedAt,
  person: {
    firstName: lead.firstName ?? null,
    lastName: lead.lastName ?? null,
    fullName: lead.fullName ?? null,
    email: lead.email ?? null,
    phone: lead.phone ?? null,
    linkedinUrl: lead.linkedinUrl ?? null,
    title: lead.title ?? null,
  },
  company: {
    name: lead.company ?? null,
    domain: lead.domain ?? null,
    countryIso: lead.countryIso ?? null,
    employees: lead.employees ?? null,
    industry: lead.industry ?? null,
  },
  icpId: lead.icpId ?? null,
  projectId: lead.projectId ?? null,
  consent: lead.consent === undefined ? null : { basis: lead.consent.basis ?? null, note: lead.consent.note ?? null },
  attributes: lead.customFields,
  jobId,
});
