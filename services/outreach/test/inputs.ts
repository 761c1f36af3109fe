/** What outreach is fed with where it is broken: leads and what people answer, and messages to be sent. */
import { join } from 'node:path';
import type { SendMessage } from '@lead-flood/contracts';
import { createMailThreadIds } from '@lead-flood/service';
import type { TestEvent } from '@lead-flood/testing';
import { everyDiscoveryEvent, sampleId, sampleOrg, samplePerson, sampleScored, testNow } from '@lead-flood/testing';

export const at = { schema: 'outreach', migrations: join(import.meta.dirname, '../migrations') };

export const { write: idOf } = createMailThreadIds({
  secret: 'test-thread-secret-of-more-than-32-characters',
  domain: 'mail.lead-flood.example',
});

const bands = ['HIGH', 'LOW', 'MEDIUM'] as const;

/** A lead's score first, and afterwards what people say: by three topics, between which no order is promised. */
const story = (i: number): { scored: TestEvent; afterwards: TestEvent[] } => {
  const leadId = sampleId('outreach', i);
  const person = samplePerson({
    email: i === 3 ? null : `person${i}@aurora.se.example`,
    phone: i % 2 === 0 ? null : '+46846500412',
  });
  const scored: TestEvent = {
    name: 'LeadScored',
    id: sampleId('scored', i),
    version: 1,
    data: sampleScored({ leadId, person, band: bands[i % 3] ?? 'LOW' }),
  };
  const reply: TestEvent = {
    name: 'ReplyReceived',
    id: sampleId('reply-event', i),
    data: {
      orgId: sampleOrg,
      leadId,
      replyId: sampleId('reply', i),
      channel: 'email',
      messageId: null,
      transportMessageId: null,
      receivedAt: testNow,
      person,
      subject: 'Re: hello',
      text: i === 0 ? 'Please unsubscribe me' : 'Sounds good, tell me more',
    },
  };
  const task = { orgId: sampleOrg, leadId, taskId: sampleId('task', i) };
  const outcome = i % 2 === 0 ? 'NEVER_CONTACT_AGAIN' : 'RETRYABLE_REJECTION';
  const calls: readonly TestEvent[] = [
    {
      name: 'CallTaskCreated',
      data: { ...task, projectId: null, regionIso: 'SE', languageCode: 'sv', priority: 0, createdAt: testNow },
    },
    { name: 'CallTaskAssigned', data: { ...task, callerId: 'caller', assignedAt: testNow } },
    { name: 'CallTaskRequeued', data: { ...task, reason: 'timeout', requeuedAt: testNow } },
    { name: 'CallTaskDeclined', data: { ...task, reason: 'no_region', decidedAt: testNow } },
    { name: 'CallTaskCompleted', data: { ...task, callerId: 'caller', outcome, completedAt: testNow } },
  ];
  const called = calls.map((event, n): TestEvent => ({ ...event, id: sampleId(event.name, i), version: n + 1 }));
  // A reply and a call outcome of one lead may overtake each other, so each lead has one of the two.
  return { scored, afterwards: i % 3 === 0 ? [reply] : called };
};
const stories = Array.from({ length: 9 }, (_, i) => story(i));

export const scores = stories.map(({ scored }) => scored);
export const heard = [...stories.flatMap(({ afterwards }) => afterwards), ...everyDiscoveryEvent(sampleId('known'))];

export const command = (i: number): SendMessage => ({
  orgId: sampleOrg,
  leadId: sampleId('send'),
  messageId: sampleId('message', i),
  threadId: sampleId('thread', i),
  enrollmentId: null,
  sequenceId: null,
  stepNumber: 1,
  channel: 'email',
  person: samplePerson({ email: `send${i}@aurora.se.example` }),
  subject: 'Hello',
  body: 'A question',
  inReplyTo: null,
  firstTouch: true,
  submittedAt: testNow,
  requestedAt: testNow,
});
