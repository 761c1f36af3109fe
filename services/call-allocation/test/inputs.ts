/** What call-allocation is fed with where it is broken, for each of its two processors. */
import { join } from 'node:path';
import type { CallReported } from '@lead-flood/contracts';
import type { TestEvent } from '@lead-flood/testing';
import { everyDiscoveryEvent, sampleId, sampleOrg, samplePerson, sampleScored, testNow } from '@lead-flood/testing';
import { taskIdOf } from '../src/processor.ts';

export const at = { schema: 'call_allocation', migrations: join(import.meta.dirname, '../migrations') };
export const policy = { retryMs: 0, chaseMs: 0, recallsMax: 3 };
const bands = ['MEDIUM', 'HIGH', 'MEDIUM', 'LOW'] as const;

/** Everything that outreach and the telephone tell of a lead; every third one wishes for silence. */
function heardOf(i: number): TestEvent[] {
  const leadId = sampleId('call', i);
  const about = { orgId: sampleOrg, leadId, threadId: sampleId('thread', i), channel: 'email' };
  const message = { ...about, messageId: sampleId('message', i), sequenceId: null, stepNumber: 1 };
  const intent = i % 3 === 0 ? 'unsubscribe' : 'interested';
  const messages: TestEvent[] = [
    { name: 'LeadNotContacted', data: { orgId: sampleOrg, leadId, reason: 'band_medium', decidedAt: testNow } },
    { name: 'MessageSent', data: { ...message, provider: 'smtp', providerMessageId: null, sentAt: testNow } },
    { name: 'MessageFailed', data: { ...message, outcome: 'failed', code: 'bounced', detail: '', failedAt: testNow } },
    {
      name: 'MessageReplied',
      data: { ...about, messageId: message.messageId, replyId: sampleId('reply', i), intent, repliedAt: testNow },
    },
  ];
  const call: TestEvent = {
    name: 'CallReported',
    id: sampleId('call-report', i),
    data: reported(i, 'call.started', taskIdOf(leadId)),
  };
  const recall: TestEvent = {
    name: 'RecallTask',
    id: sampleId('recall', i),
    data: { orgId: sampleOrg, leadId, taskId: taskIdOf(leadId), reason: 'signup_chase', completedAt: testNow },
  };
  const told = messages.map((event, n): TestEvent => ({ ...event, id: sampleId(event.name, i), version: n + 1 }));
  return [...told, call, recall];
}

const reported = (i: number, type: string, taskId: string | null, moment = 0): CallReported => ({
  orgId: sampleOrg,
  eventId: `event-${i}-${type}`,
  type,
  callId: `call-${i}`,
  taskId,
  callerId: null,
  occurredAt: testNow + moment,
  durationSeconds: type === 'call.ended' ? 42 : null,
  recordingUrl: null,
});

export const scores = Array.from({ length: 12 }, (_, i) => i).flatMap((i): TestEvent[] => {
  const data = sampleScored({
    leadId: sampleId('call', i),
    band: bands[i % 4] ?? 'LOW',
    person: samplePerson({ phone: i === 2 ? null : '+46846500412' }),
  });
  return [
    { name: 'LeadScored', id: sampleId('scored', i), version: 1, data },
    { name: 'LeadScored', id: sampleId('again', i), version: 2, data: { ...data, value: 50 } },
  ];
});

/** What people and the telephone say of tasks that exist by then. */
export const heard = [
  ...Array.from({ length: 12 }, (_, i) => i).flatMap((i) => heardOf(i)),
  ...everyDiscoveryEvent(sampleId('known')),
];

const types = ['call.started', 'call.ringing', 'call.answered', 'call.ended'] as const;

export const reports = Array.from({ length: 6 }, (_, i) => i).flatMap((i) =>
  types.map((type, moment): TestEvent => ({
    name: 'CallReported',
    id: sampleId('report', i, type),
    data: reported(i, type, null, moment),
  })),
);
