/** From the document to what clients see: the lead, its timeline, its enrichment job. */
import type { JobView, LeadView, timelineEntry, TopicName } from '@lead-flood/contracts';
import { jobStatusOf, statusOf, topicOf } from '@lead-flood/contracts';
import type { z } from 'zod';
import type { Enrichment, Entry, LeadDocument, Score } from './domain/document.ts';
import { known } from './domain/layer.ts';

export type TimelineItem = z.input<typeof timelineEntry>;

const time = (at: number): string => new Date(at).toISOString();

const nobody = {
  firstName: null,
  lastName: null,
  fullName: null,
  email: null,
  phone: null,
  linkedinUrl: null,
  title: null,
};
const nowhere = { name: null, domain: null, countryIso: null, employees: null, industry: null };

export function toLeadView(leadId: string, lead: LeadDocument): LeadView {
  const { outreach, calls, ending } = lead;
  return {
    id: leadId,
    stage: lead.stage,
    status: statusOf(lead.stage),
    disqualifiedReason: ending?.stage === 'DISQUALIFIED' ? ending.reason : null,
    // Until LeadDiscovered is heard of nobody here knows where it came from.
    source: lead.source ?? 'unknown',
    icpId: lead.icpId,
    projectId: lead.projectId,
    jobId: lead.jobId,
    person: { ...nobody, ...known(lead.person) },
    company: { ...nowhere, ...known(lead.company) },
    customFields: { ...lead.customFields },
    submissions: Object.values(lead.outcomes).reduce((sum, count) => sum + count, 0),
    enrichment: lead.enrichment === null ? null : toEnrichmentView(lead.enrichment),
    score: lead.score === null ? null : toScoreView(lead.score),
    outreach: {
      messagesSent: outreach.sent,
      replies: outreach.replies,
      lastMessageAt: outreach.lastMessageAt === null ? null : time(outreach.lastMessageAt),
      notContactedReason: outreach.notContacted,
    },
    calls: { tasks: calls.tasks, lastOutcome: calls.last?.what ?? null, declinedReason: calls.declined?.what ?? null },
    createdAt: time(lead.createdAt),
    updatedAt: time(lead.changedAt),
  };
}

const toEnrichmentView = (enrichment: Enrichment): NonNullable<LeadView['enrichment']> => ({
  status: enrichment.status,
  emailStatus: enrichment.emailStatus,
  confidence: enrichment.confidence,
  fields: enrichment.fields.map(([name, provider, confidence, observedAt]) => ({
    name,
    provider,
    confidence,
    observedAt: time(observedAt),
  })),
  attempts: enrichment.attempts.map(([provider, status, confidence, latencyMs, costMicros]) => ({
    provider,
    status,
    confidence,
    latencyMs,
    costMicros,
  })),
  costMicros: enrichment.costMicros,
  reason: enrichment.reason,
  at: time(enrichment.at),
});

const bands = ['LOW', 'MEDIUM', 'HIGH'] as const;

const toScoreView = (score: Score): NonNullable<LeadView['score']> => ({
  value: score.value,
  band: bands.find((band) => band === score.band) ?? 'LOW',
  reasons: score.reasons.map(([ruleId, text, passed, contribution]) => ({
    ruleId,
    text,
    passed: passed === 1,
    contribution,
  })),
  scorer: score.scorer,
  rulesVersion: score.rulesVersion,
  scoredAt: time(score.at),
});

export const toTimeline = (lead: LeadDocument): TimelineItem[] =>
  lead.timeline.map((entry) => {
    const [at, event, id, summary] = entry;
    return { at: time(at), event, topic: topicOfEvent(event), id, summary, details: detailsOf(lead, entry) };
  });

const topicOfEvent = (event: string): TopicName | '' =>
  event in topicOf ? topicOf[event as keyof typeof topicOf] : '';

/** What the document still knows of the event: the latest enrichment and the latest score, with their reasons. */
function detailsOf(lead: LeadDocument, [at, event]: Entry): Record<string, unknown> {
  if (event === 'LeadScored' && lead.score?.at === at) return toScoreView(lead.score);
  const isEnrichment = event === 'LeadEnriched' || event === 'LeadEnrichmentFailed';
  if (isEnrichment && lead.enrichment?.at === at) return toEnrichmentView(lead.enrichment);
  return {};
}

export const toJobView = (leadId: string, lead: LeadDocument): JobView => ({
  id: lead.jobId,
  type: 'lead.enrich',
  status: jobStatus(lead),
  leadId,
  progress: null,
  attempts: 1,
  cancelRequested: false,
  error: lead.enrichment?.reason ?? null,
  createdAt: time(lead.createdAt),
  updatedAt: time(lead.enrichment?.at ?? lead.changedAt),
});

/** The stage says it, until the lead is contacted although nothing was found: a job that failed stays failed. */
function jobStatus(lead: LeadDocument): JobView['status'] {
  if (lead.enrichment !== null) return lead.enrichment.status === 'COMPLETED' ? 'completed' : 'failed';
  return lead.erased ? 'cancelled' : jobStatusOf(lead.stage);
}
