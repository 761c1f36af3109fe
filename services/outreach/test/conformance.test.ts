/** Outreach's two processors under the suite that every processor passes; the sender against a real SMTP server. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox } from '@lead-flood/test/sandbox';
import { setFaultHook, InvariantError } from '@lead-flood/kernel';
import { batchProcessor, effectProcessor } from '@lead-flood/processor';
import type { SendMessage } from '@lead-flood/contracts';
import type { Line, TestEvent } from '@lead-flood/testing';
import {
  conformance,
  createLine,
  eventually,
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

const inputs = Array.from({ length: 9 }, (_, i) => i).flatMap((i): TestEvent[] => {
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
  return i % 3 === 0 ? [scored, reply] : [scored];
});

conformance({
  starter: batchProcessor(outreach),
  schema: 'outreach',
  migrations,
  // Scores and replies come by two topics, between which no order is promised.
  inputs: inputs.filter((input) => input.name === 'LeadScored'),
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

const redeliver = [100, 200, 300, 400, 500];
const sender = effectProcessor(
  createSendProcessor(createSender({ email: mail }, 'mail.lead-flood.example'), { inFlightMax: 4, deadlineMs: 2_000 }),
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
  // Where a relay's crash finds the next message under way, that message is in doubt: the case below.
  crashPoints: ['processor.outbox', 'db.commit.before', 'db.commit.after', 'step.send.stored'],
  before: async () => {
    await fetch(`${sandbox.httpUrl}/_control/reset`, { method: 'POST' });
  },
  alsoExpect: async () => {
    expect(await doubles()).toEqual([]);
  },
});

describe('a message whose answer is lost in a crash', () => {
  let line: Line;
  afterAll(async () => {
    setFaultHook(null);
    await line.close();
  });

  it('is unknown after the restart and never sent again', async () => {
    await fetch(`${sandbox.httpUrl}/_control/reset`, { method: 'POST' });
    line = await createLine(sender, { schema: 'outreach', migrations });
    await line.publish({ name: 'SendMessage', id: sampleId('lost'), version: 1, data: command(99) });
    const crashed = Promise.withResolvers<undefined>();
    let dead = false;
    setFaultHook((point) => {
      if (point === 'step.send.called') dead = true;
      if (!dead) return;
      crashed.resolve(undefined);
      throw new InvariantError('crashed after the mail server took the message');
    });
    await line.start();
    await crashed.promise;
    await line.stop();
    setFaultHook(null);
    await line.start();
    const [failed] = await eventually(
      'the unknown message',
      async () => {
        const events = await line.events('outreach.message.v1');
        return events.length > 0 ? events : null;
      },
      40_000,
    );
    expect(failed).toMatchObject({
      name: 'MessageFailed',
      data: { outcome: 'unknown', code: 'OUT_ERR_OUTCOME_UNKNOWN' },
    });
    expect(await doubles()).toEqual([]);
  });
});
