/** Invented lives of leads, as the events that the other services would write: each topic's events in its order. */
import type { Events } from '@lead-flood/contracts';
import type { TestEvent } from '@lead-flood/testing';
import {
  sampleDiscovered,
  sampleEnriched,
  sampleId,
  sampleOrg,
  samplePerson,
  sampleScored,
  testNow,
} from '@lead-flood/testing';

export const at = (ms: number): number => testNow + ms;

const attempts = [
  { provider: 'apollo', status: 'miss', confidence: null, latencyMs: 40, costMicros: 0 },
  { provider: 'hunter', status: 'hit', confidence: 0.95, latencyMs: 60, costMicros: 4_000 },
];

export const message = (leadId: string, stepNumber: number, sentAt: number): Events['MessageSent'] => ({
  orgId: sampleOrg,
  leadId,
  messageId: sampleId('message', leadId, stepNumber),
  threadId: sampleId('thread', leadId),
  sequenceId: null,
  stepNumber,
  channel: 'email',
  provider: 'smtp',
  providerMessageId: null,
  sentAt,
});

export const reply = (leadId: string, repliedAt: number, intent = 'interested'): Events['MessageReplied'] => ({
  orgId: sampleOrg,
  leadId,
  messageId: null,
  threadId: sampleId('thread', leadId),
  replyId: sampleId('reply', leadId, repliedAt),
  channel: 'email',
  intent,
  repliedAt,
});

export const rejection = (submissionId: string, jobId: string | null = null): Events['LeadRejected'] => ({
  orgId: sampleOrg,
  submissionId,
  source: 'csv',
  submittedAt: at(-500),
  reasons: [{ code: 'invalid_email', field: 'person.email', detail: 'is not an e-mail address' }],
  jobId,
});

export const duplicate = (leadId: string, jobId: string | null = null): Events['LeadDuplicated'] => ({
  orgId: sampleOrg,
  leadId,
  submissionId: sampleId('submission', leadId, 'again'),
  source: 'csv',
  submittedAt: at(5_000),
  matchedBy: ['email'],
  jobId,
});

export const taskStory = (leadId: string, taskId: string, from: number, outcome: string): TestEvent[] => [
  {
    name: 'CallTaskCreated',
    data: {
      orgId: sampleOrg,
      leadId,
      taskId,
      projectId: null,
      regionIso: 'SE',
      languageCode: 'sv',
      priority: 1,
      createdAt: at(from),
    },
  },
  {
    name: 'CallTaskAssigned',
    data: { orgId: sampleOrg, leadId, taskId, callerId: 'caller-1', assignedAt: at(from + 10) },
  },
  {
    name: 'CallTaskRequeued',
    data: { orgId: sampleOrg, leadId, taskId, reason: 'timeout', requeuedAt: at(from + 20) },
  },
  {
    name: 'CallTaskCompleted',
    data: { orgId: sampleOrg, leadId, taskId, callerId: 'caller-1', outcome, completedAt: at(from + 30) },
  },
];

type Person = ReturnType<typeof samplePerson>;

function discoveryStory(leadId: string, given: Person): TestEvent[] {
  return [
    { name: 'LeadDiscovered', data: sampleDiscovered({ leadId, person: given, attributes: { tag: 'fair' } }) },
    {
      name: 'LeadUpdated',
      data: {
        orgId: sampleOrg,
        leadId,
        submissionId: sampleId('submission', leadId, 'news'),
        source: 'csv',
        submittedAt: at(3_000),
        person: { ...given, title: 'Buyer' },
        company: sampleDiscovered().company,
        changed: ['person.title'],
        matchedBy: ['email'],
        jobId: null,
      },
    },
    { name: 'LeadDuplicated', data: duplicate(leadId) },
    {
      name: 'LeadMerged',
      data: {
        orgId: sampleOrg,
        leadId,
        mergedLeadId: sampleId('other', leadId),
        evidence: ['phone'],
        mergedAt: at(6_000),
      },
    },
  ];
}

function enrichmentStory(leadId: string, given: Person, found: Person): TestEvent[] {
  return [
    {
      name: 'LeadEnrichmentFailed',
      data: {
        ...sampleEnriched({ leadId, person: given }),
        reason: 'no-hit',
        failedAt: at(-600),
        attempts,
        costMicros: 4_000,
      },
    },
    {
      name: 'LeadEnriched',
      data: sampleEnriched({
        leadId,
        person: found,
        attempts,
        costMicros: 4_000,
        fields: [{ name: 'person.phone', provider: 'hunter', confidence: 0.9, observedAt: at(-550) }],
      }),
    },
  ];
}

/** Everything that can happen to a lead, one list for each topic (and for each task, since tasks have their own key). */
export function fullStory(leadId: string): TestEvent[][] {
  const given = samplePerson({ phone: null, title: null });
  const found = samplePerson();
  const scoring: TestEvent[] = [
    { name: 'LeadScored', data: sampleScored({ leadId, person: given, value: 30, band: 'LOW', scoredAt: at(-590) }) },
    {
      name: 'LeadScored',
      data: sampleScored({
        leadId,
        person: found,
        reasons: [{ ruleId: 'default-email', text: 'the e-mail address is verified', passed: true, contribution: 40 }],
      }),
    },
  ];
  const outreach: TestEvent[] = [
    { name: 'LeadNotContacted', data: { orgId: sampleOrg, leadId, reason: 'band_low', decidedAt: at(-580) } },
    { name: 'MessageSent', data: message(leadId, 1, at(100)) },
    {
      name: 'MessageFailed',
      data: { ...message(leadId, 2, 0), outcome: 'failed', code: 'bounced', detail: '', failedAt: at(200) },
    },
    { name: 'MessageReplied', data: reply(leadId, at(300)) },
  ];
  const declined: TestEvent = {
    name: 'CallTaskDeclined',
    data: { orgId: sampleOrg, leadId, taskId: sampleId('task', leadId, 0), reason: 'band_low', decidedAt: at(-570) },
  };
  return [
    discoveryStory(leadId, given),
    enrichmentStory(leadId, given, found),
    scoring,
    outreach,
    [declined],
    taskStory(leadId, sampleId('task', leadId, 1), 1_000, 'RETRYABLE_REJECTION'),
    taskStory(leadId, sampleId('task', leadId, 2), 2_000, 'INTERESTED_SIGNUP_LINK_SENT'),
  ];
}
