/** Discovery's answer for a lead that the read model does not show yet. */
import type { JobView, LeadView } from '@lead-flood/contracts';
import { jobStatusOf, statusOf } from '@lead-flood/contracts';
import type { Known } from './domain/lead.ts';
import { jobIdOf } from './domain/lead.ts';

const time = (at: number): string => new Date(at).toISOString();

export function freshLeadView(leadId: string, lead: Known): LeadView {
  return {
    id: leadId,
    stage: 'NEW',
    status: statusOf('NEW'),
    disqualifiedReason: null,
    source: lead.source,
    icpId: lead.icpId,
    projectId: lead.projectId,
    jobId: jobIdOf(leadId),
    person: lead.person,
    company: lead.company,
    customFields: lead.attributes,
    submissions: lead.submissions,
    enrichment: null,
    score: null,
    outreach: { messagesSent: 0, replies: 0, lastMessageAt: null, notContactedReason: null },
    calls: { tasks: 0, lastOutcome: null, declinedReason: null },
    createdAt: time(lead.discoveredAt),
    updatedAt: time(lead.updatedAt),
  };
}

export function freshJobView(jobId: string, leadId: string, lead: Known): JobView {
  return {
    id: jobId,
    type: 'lead.enrich',
    status: jobStatusOf('NEW'),
    leadId,
    progress: null,
    attempts: 1,
    cancelRequested: false,
    error: null,
    createdAt: time(lead.discoveredAt),
    updatedAt: time(lead.updatedAt),
  };
}
