/** What was sent, what was not and why: the sender on a real broker and database, before the sandbox's mail and WhatsApp. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox } from '@lead-flood/test/sandbox';
import type { LeadScored } from '@lead-flood/contracts';
import { topics } from '@lead-flood/contracts';
import { createTopics } from '@lead-flood/kafka';
import { randomId, systemClock } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { createUntypedApplier, effectProcessor, untyped, silentTelemetry } from '@lead-flood/processor';
import type { UntypedApplier } from '@lead-flood/processor';
import { createLine, eventually, sampleId, sampleOrg, samplePerson, sampleScored } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { z } from 'zod';
import type { Conversation } from '../src/domain/conversation.ts';
import { createSendProcessor, outreach } from '../src/processor.ts';
import { createTransports } from '../src/providers/registry.ts';
import type { Transports } from '../src/providers/registry.ts';
import { seedSequence } from '../src/seed.ts';
import { createSender } from '../src/sender.ts';
import { idOf } from './inputs.ts';

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let transports: Transports;
let line: Line;
let applier: UntypedApplier<Conversation>;

beforeAll(async () => {
  sandbox = await startSandbox({ seed: 5 });
  transports = createTransports({
    smtpUrl: sandbox.smtpUrl,
    mailFrom: 'team@demo.lead-flood.example',
    trengoApiKey: 'k',
    trengoBaseUrl: `${sandbox.httpUrl}/trengo`,
    trengo: { allowPrivate: true },
  });
  const sender = createSender(transports.byChannel, idOf);
  line = await createLine(
    effectProcessor(createSendProcessor(sender, { inFlightMax: 4, deadlineMs: 5_000 }), [50, 50, 50, 50, 50]),
    { schema: 'outreach', migrations: join(import.meta.dirname, '../migrations') },
  );
  // What the other processor tells goes out by the same relay.
  await createTopics(line.client, [topics['outreach.suppression.v1']], line.prefix);
  await seedSequence(line.database, sampleOrg);
  applier = createUntypedApplier(untyped(outreach), {
    database: line.database,
    codec: line.codec,
    clock: systemClock,
    wakeRelay: () => undefined,
    telemetry: silentTelemetry,
  });
  await line.start();
});
afterAll(async () => {
  await line.close();
  await transports.stop();
  await sandbox.stop();
});

const decide = async (name: string, leadId: string, data: object): Promise<unknown> =>
  applier.apply({ name, key: leadId, orgId: sampleOrg, correlationId: 'test', data });

const score = (leadId: string, overrides: Partial<LeadScored>) =>
  decide('LeadScored', leadId, sampleScored({ leadId, ...overrides }));

const attempt = z.object({
  message_id: z.string(),
  channel: z.string(),
  provider: z.string().nullable(),
  outcome: z.string(),
  code: z.string().nullable(),
  detail: z.string().nullable(),
});
const attemptsOf = (leadId: string) =>
  line.database.any(sql.type(attempt)`
    select message_id, channel, provider, outcome, code, detail from delivery_attempts
    where lead_id = ${leadId} order by created_at, message_id
  `);
const attempts = (leadId: string, count: number) =>
  eventually(`${count} attempts`, async () => {
    const found = await attemptsOf(leadId);
    return found.length === count && found;
  });

const accepted = async (operation: string): Promise<number> => {
  const log = await (await fetch(`${sandbox.httpUrl}/_control/log`)).text();
  return log
    .split('\n')
    .filter((text) => text !== '' && (JSON.parse(text) as { provider: string }).provider === operation).length;
};

describe.each([
  ['email', 'smtp', 'mail', { emailStatus: 'verified' }],
  ['whatsapp', 'trengo', 'trengo', { emailStatus: 'risky' }],
] as const)('by %s', (channel, provider, door, overrides) => {
  const leadId = sampleId(channel);
  const phone = channel === 'email' ? '+46846500412' : '+46846500413';
  const person = samplePerson({ email: `${channel}@aurora.se.example`, phone });

  it('[OU-16] every send is an attempt that can be looked up: by whom it went, and what came of it', async () => {
    await score(leadId, { ...overrides, person });
    const [sent] = await attempts(leadId, 1);
    expect(sent).toMatchObject({ channel, provider, outcome: 'SENT', code: null });
    expect(await accepted(door)).toBe(1);
  });

  it('[OU-16] the next step of the sequence is scheduled, not sent', async () => {
    const scheduled = await line.database.oneFirst(sql.type(z.object({ due_at: z.number() }))`
      select due_at from timers where key = ${leadId}
    `);
    expect(Math.abs(scheduled - Date.now() - 72 * 3_600_000)).toBeLessThan(60_000);
    expect(await attemptsOf(leadId)).toHaveLength(1);
  });

  it('[OU-20] after NEVER_CONTACT_AGAIN a step that is under way is refused with that reason', async () => {
    await decide('CallTaskCompleted', leadId, {
      orgId: sampleOrg,
      leadId,
      taskId: sampleId('task', channel),
      callerId: sampleId('caller'),
      outcome: 'NEVER_CONTACT_AGAIN',
      completedAt: Date.now(),
    });
    await line.database.query(sql.unsafe`update timers set due_at = now() where key = ${leadId}`);
    const refused = (await attempts(leadId, 2)).find(({ outcome }) => outcome !== 'SENT');
    expect(refused).toMatchObject({ outcome: 'SUPPRESSED', code: 'suppressed', detail: 'never_contact_again' });
    const failed = (await line.events('outreach.message.v1')).filter(({ name }) => name === 'MessageFailed');
    expect(failed).toContainEqual(
      expect.objectContaining({
        key: leadId,
        data: expect.objectContaining({ outcome: 'suppressed', detail: 'never_contact_again' }),
      }),
    );
    expect(await accepted(door)).toBe(1);
  });

  it.each(['email', 'whatsapp'] as const)(
    '[OU-20] whoever it was is not written to under another lead either, by %s',
    async (other) => {
      const again = randomId();
      const known = other === 'email' ? { email: person.email, phone: null } : { email: null, phone: person.phone };
      await score(again, { emailStatus: 'verified', person: samplePerson(known) });
      const said = await line.database.exists(sql.unsafe`
        select 1 from outbox where key = ${again} and topic = 'outreach.message.v1'
      `);
      const commanded = await line.database.exists(sql.unsafe`
        select 1 from outbox where key = ${again} and topic = 'outreach.send.v1'
      `);
      expect([said, commanded]).toEqual([true, false]);
    },
  );

  it('[OU-20] nor by hand', async () => {
    const manual = decide('ReplyManually', leadId, { orgId: sampleOrg, leadId, body: 'Sorry!' });
    await expect(manual).rejects.toMatchObject({ code: 'OUT_ERR_SUPPRESSED' });
  });
});

describe('a lead that is merged into another one', () => {
  it('gets nothing more, while the person may be written to under the other lead', async () => {
    const [leadId, survivor] = [sampleId('loser'), sampleId('survivor')];
    const person = samplePerson({ email: 'merged@aurora.se.example', phone: null });
    await score(leadId, { emailStatus: 'verified', person });
    await attempts(leadId, 1);
    const evidence = ['email'];
    await decide('LeadMerged', leadId, {
      orgId: sampleOrg,
      leadId: survivor,
      mergedLeadId: leadId,
      evidence,
      mergedAt: Date.now(),
    });
    await line.database.query(sql.unsafe`update timers set due_at = now() where key = ${leadId}`);
    const refused = (await attempts(leadId, 2)).find(({ outcome }) => outcome !== 'SENT');
    expect(refused).toMatchObject({ outcome: 'SUPPRESSED', code: 'sequence_stopped' });
    await score(survivor, { emailStatus: 'verified', person });
    expect(await attempts(survivor, 1)).toMatchObject([{ outcome: 'SENT' }]);
  });
});

describe('a mailbox that two leads share', () => {
  it('[OU-20] is written to by neither once one has asked for silence: no timed step, no word by hand', async () => {
    const [asks, other] = [sampleId('asks'), sampleId('other')];
    const person = (email: string) => samplePerson({ email, phone: null });
    await score(asks, { emailStatus: 'verified', person: person('shared@aurora.se.example') });
    await score(other, { emailStatus: 'verified', person: person('Shared+crm@Aurora.se.example') });
    await attempts(other, 1);
    await decide('CallTaskCompleted', asks, {
      orgId: sampleOrg,
      leadId: asks,
      taskId: sampleId('task', 'shared'),
      callerId: sampleId('caller'),
      outcome: 'NEVER_CONTACT_AGAIN',
      completedAt: Date.now(),
    });
    const manual = decide('ReplyManually', other, { orgId: sampleOrg, leadId: other, body: 'One more thing' });
    await expect(manual).rejects.toMatchObject({ code: 'OUT_ERR_SUPPRESSED' });
    await line.database.query(sql.unsafe`update timers set due_at = now() where key = ${other}`);
    const refused = (await attempts(other, 2)).find(({ outcome }) => outcome !== 'SENT');
    expect(refused).toMatchObject({ outcome: 'SUPPRESSED', code: 'suppressed' });
  });
});

describe('an attempt that fails', () => {
  it('[OU-16] for a passing reason is tried again, and counts once it has gone out', async () => {
    const mail = (mode: string) =>
      fetch(`${sandbox.httpUrl}/_control/mail`, { method: 'PUT', body: JSON.stringify({ mode }) });
    const leadId = sampleId('retried');
    await mail('down');
    await score(leadId, {
      emailStatus: 'verified',
      person: samplePerson({ email: 'retried@aurora.se.example', phone: null }),
    });
    await eventually('a try to fail', async () =>
      line.database.exists(sql.unsafe`select 1 from redeliveries where consumer_group = 'outreach-send'`),
    );
    expect(await attemptsOf(leadId)).toEqual([]);
    await mail('ok');
    expect(await attempts(leadId, 1)).toMatchObject([{ outcome: 'SENT', provider: 'smtp' }]);
  });

  it('[OU-16] for good is kept with its code', async () => {
    const leadId = sampleId('refused');
    await fetch(`${sandbox.httpUrl}/_control/providers/trengo`, {
      method: 'PUT',
      body: JSON.stringify({ hitRate: 0 }),
    });
    await score(leadId, {
      emailStatus: 'risky',
      person: samplePerson({ email: 'refused@aurora.se.example', phone: '+46846500414' }),
    });
    expect(await attempts(leadId, 1)).toMatchObject([{ outcome: 'FAILED', provider: 'trengo', code: 'bad-address' }]);
  });
});
