/** Outreach's two processors under the suite that every processor passes; the sender against a real SMTP server. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox } from '@lead-flood/test/sandbox';
import { batchProcessor, effectProcessor } from '@lead-flood/processor';
import type { SendMessage } from '@lead-flood/contracts';
import type { TestEvent } from '@lead-flood/testing';
import {
  conformance,
  crashOnceAt,
  createLine,
  eventually,
  everyDiscoveryEvent,
  sampleId,
  sampleOrg,
  samplePerson,
  sampleScored,
  testNow,
} from '@lead-flood/testing';
import { createSendProcessor, outreach } from '../src/processor.ts';
import type { Transport } from '../src/providers/transport.ts';
import { createTransports } from '../src/providers/registry.ts';
import { seedSequence } from '../src/seed.ts';
import { createSender } from '../src/sender.ts';

const migrations = join(import.meta.dirname, '../migrations');
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

conformance({
  starter: batchProcessor(outreach),
  schema: 'outreach',
  migrations,
  inputs: stories.map(({ scored }) => scored),
  afterwards: [...stories.flatMap(({ afterwards }) => afterwards), ...everyDiscoveryEvent(sampleId('known'))],
  seed: async (line) => {
    await seedSequence(line.database, sampleOrg);
  },
});

const command = (i: number): SendMessage => ({
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

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let transports: ReturnType<typeof createTransports>;

beforeAll(async () => {
  sandbox = await startSandbox({ seed: 11 });
  transports = createTransports({ smtpUrl: sandbox.smtpUrl, mailFrom: 'team@demo.lead-flood.example' });
});
afterAll(async () => {
  await transports.stop();
  await sandbox.stop();
});

const mail: Transport = {
  channel: 'email',
  provider: 'smtp',
  send: (message, ctx) => transports.byChannel.email?.send(message, ctx) ?? Promise.reject(new Error('no mail')),
  breakerState: () => 'closed',
  stop: () => Promise.resolve(),
};

/** Such a crash finds a message under way, or makes one so: it ends as "unknown" instead of "sent". See the last suite. */
const IN_DOUBT = 'the message that is under way is in doubt';
const IN_FLIGHT = 4;
const redeliver = [100, 200, 300, 400, 500];
const sender = effectProcessor(
  createSendProcessor(createSender({ email: mail }, 'mail.lead-flood.example'), {
    inFlightMax: IN_FLIGHT,
    deadlineMs: 2_000,
  }),
  redeliver,
);

async function doubles(): Promise<unknown[]> {
  const answer = (await (await fetch(`${sandbox.httpUrl}/_control/doubles`)).json()) as
    { doubles?: unknown[] } | unknown[];
  return Array.isArray(answer) ? answer : (answer.doubles ?? []);
}

conformance({
  starter: sender,
  schema: 'outreach',
  migrations,
  // One lead: its messages go one after the other, so that a crash outside the call itself leaves none in doubt.
  inputs: Array.from({ length: 5 }, (_, i): TestEvent => ({
    name: 'SendMessage',
    id: sampleId('send-event', i),
    version: i + 1,
    data: command(i),
  })),
  crashPoints: ['processor.outbox', 'db.commit.before', 'db.commit.after', 'step.send.stored'],
  notCrashedAt: {
    'processor.told': IN_DOUBT,
    'kafka.send.before': IN_DOUBT,
    'kafka.send.after': IN_DOUBT,
    'relay.published': IN_DOUBT,
    'step.send.before': IN_DOUBT,
    'step.send.called': IN_DOUBT,
  },
  before: async () => {
    await fetch(`${sandbox.httpUrl}/_control/reset`, { method: 'POST' });
  },
  alsoExpect: async () => {
    expect(await doubles()).toEqual([]);
  },
});

describe('a crash with messages under way', () => {
  it.each([
    ['before', 'nobody was asked yet, which nobody can tell'],
    ['called', 'the mail server took it, and nobody noted it'],
    ['stored', 'it is noted: the replay knows the answer'],
  ])('at step.send.%s leaves at most those unknown, and sends none twice: %s', async (moment) => {
    await fetch(`${sandbox.httpUrl}/_control/reset`, { method: 'POST' });
    const line = await createLine(sender, { schema: 'outreach', migrations });
    try {
      await line.publish(
        ...Array.from({ length: 3 * IN_FLIGHT }, (_, i): TestEvent => ({
          name: 'SendMessage',
          id: sampleId('lost', moment, i),
          version: 1,
          data: { ...command(100 + i), leadId: sampleId('lost', i) },
        })),
      );
      const crashed = crashOnceAt(line, `step.send.${moment}`);
      await line.start();
      await crashed;
      await line.stop();
      line.onFault(null);
      await line.start();
      const fates = await eventually(
        'every message to have a fate',
        async () => {
          const events = await line.events('outreach.message.v1');
          return events.length === 3 * IN_FLIGHT ? events : null;
        },
        40_000,
      );
      const unknown = fates.filter(({ name }) => name === 'MessageFailed');
      console.info(`a crash at step.send.${moment}: ${unknown.length} of ${fates.length} messages unknown`);
      for (const { data } of unknown)
        expect(data).toMatchObject({ outcome: 'unknown', code: 'OUT_ERR_OUTCOME_UNKNOWN' });
      expect(unknown.length).toBeLessThanOrEqual(IN_FLIGHT);
      if (moment !== 'stored') expect(unknown.length).toBeGreaterThan(0);
      expect(await doubles()).toEqual([]);
    } finally {
      await line.close();
    }
  });
});
