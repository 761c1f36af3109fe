/** Outreach's two processors under the suite that every processor passes; the sender against a real SMTP server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox } from '@lead-flood/test/sandbox';
import { batchProcessor, effectProcessor } from '@lead-flood/processor';
import type { TestEvent } from '@lead-flood/testing';
import { conformance, crashOnceAt, createLine, eventually, sampleId, sampleOrg } from '@lead-flood/testing';
import { createSendProcessor, outreach } from '../src/processor.ts';
import type { Transport } from '../src/providers/transport.ts';
import { createTransports } from '../src/providers/registry.ts';
import { seedSequence } from '../src/seed.ts';
import { createSender } from '../src/sender.ts';
import { at, command, heard, idOf, scores } from './inputs.ts';

conformance({
  starter: batchProcessor(outreach),
  ...at,
  inputs: scores,
  afterwards: heard,
  seed: async (line) => {
    await seedSequence(line.database, sampleOrg);
  },
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
  createSendProcessor(createSender({ email: mail }, idOf), {
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
  whole: true,
  ...at,
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
    const line = await createLine(sender, at);
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
