// Mail goes in over SMTP, is listed and logged, and prospects answer it with signed webhooks.
import nodemailer from 'nodemailer';
import type { Transporter } from 'nodemailer';
import PostalMime from 'postal-mime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSandbox } from '../src/index.ts';
import type { Sandbox } from '../src/index.ts';
import { call, logOf, signatureOf, startReceiver } from './receiver.ts';
import type { Received, Receiver } from './receiver.ts';

let sandbox: Sandbox;
let receiver: Receiver;
let smtp: Transporter;
beforeEach(async () => {
  receiver = await startReceiver();
  sandbox = await startSandbox();
  // pooled: smtp-server keeps each new connection waiting 100 ms to find early talkers
  smtp = nodemailer.createTransport(`${sandbox.smtpUrl}/?pool=true`);
});
afterEach(async () => {
  smtp.close();
  await sandbox.stop();
  await receiver.stop();
});

const mail = {
  from: 'Sales <sales@lead-flood.example>',
  to: 'ada@volvo.se.example',
  subject: 'Grüße aus Århus',
  text: 'Hello Ada\nshall we talk?',
};
const setMail = (patch: object) => call(`${sandbox.httpUrl}/_control/mail`, 'PUT', patch);
const summary = async () => (await call(`${sandbox.httpUrl}/_control/summary`)).body;

async function readReply({ headers, raw }: Received) {
  const event = JSON.parse(raw.toString()) as { eventId: string; receivedAt: string; raw: string };
  return { headers, event, message: await PostalMime.parse(event.raw) };
}

test('a mail is kept, listed by recipient and logged', async () => {
  const { messageId } = await smtp.sendMail({ ...mail, headers: { 'X-Campaign': 'spring' } });
  await smtp.sendMail({ ...mail, to: 'bob@volvo.se.example' });
  const { body } = await call(`${sandbox.httpUrl}/_control/mails?to=ADA@volvo.se.example&limit=10`);
  expect(body).toMatchObject({
    total: 2,
    mails: [
      {
        messageId: messageId.replace(/[<>]/g, ''),
        from: 'sales@lead-flood.example',
        to: ['ada@volvo.se.example'],
        subject: mail.subject,
        text: expect.stringContaining('shall we talk?'),
      },
    ],
  });
  expect(JSON.stringify(body)).toContain('"key":"x-campaign","value":"spring"');
  expect(await logOf(sandbox.httpUrl)).toMatchObject([
    {
      provider: 'mail',
      operation: 'send',
      subject: 'ada@volvo.se.example',
      outcome: 'sent',
      idempotencyKey: messageId.replace(/[<>]/g, ''),
    },
    { subject: 'bob@volvo.se.example' },
  ]);
});

test('a prospect answers with a message in the thread, signed over the raw body', async () => {
  await setMail({ replyRate: 1, deliverTo: receiver.deliverTo });
  const { messageId } = await smtp.sendMail({ ...mail, references: '<earlier@lead-flood.example>' });
  const [first] = await receiver.taken(1);
  const { headers, event, message } = await readReply(first as Received);
  expect(headers['x-mail-signature']).toBe(signatureOf((first as Received).raw, receiver.deliverTo.secret));
  expect(headers['x-mail-event-id']).toBe(event.eventId);
  expect(Math.abs(Number(headers['x-mail-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
  expect(message).toMatchObject({
    from: { address: 'ada@volvo.se.example' },
    to: [{ address: 'sales@lead-flood.example' }],
    inReplyTo: messageId,
    references: `<earlier@lead-flood.example> ${messageId}`,
    subject: expect.stringMatching(/^(Re|Automatic reply): Grüße aus Århus$/),
  });
  expect(message.text?.trim().length).toBeGreaterThan(10);
});

test('the same recipients answer in the same mood in every run; some never do', async () => {
  const run = async (): Promise<string[]> => {
    await call(`${sandbox.httpUrl}/_control/reset`, 'POST');
    await setMail({ replyRate: 0.5, deliverTo: receiver.deliverTo });
    const before = (await receiver.taken(0)).length;
    for (let i = 0; i < 40; i += 1) await smtp.sendMail({ ...mail, to: `p${i}@volvo.se.example` });
    const { replies } = (await summary())['mails'] as { replies: number };
    const received = (await receiver.taken(before + replies)).slice(before);
    const read = await Promise.all(received.map(readReply));
    return read.map(({ message }) => `${message.from?.address}: ${message.text?.split('\n')[0]}`).sort();
  };
  const once = await run();
  expect(once.length).toBeGreaterThan(8);
  expect(once.length).toBeLessThan(32);
  expect(new Set(once.map((line) => line.split(': ')[1])).size).toBeGreaterThan(4);
  expect(await run()).toEqual(once);
});

test('a reply is posted again until it is taken, with the same event id', async () => {
  receiver.refuseNext(2);
  await setMail({ replyRate: 1, deliverTo: receiver.deliverTo });
  await smtp.sendMail(mail);
  await receiver.taken(1);
  expect(receiver.refused()).toBe(2);
  await expect.poll(summary).toMatchObject({ deliveries: { pending: 0, delivered: 1, abandoned: 0, tries: 3 } });
});

test('a reply can be told, to a mail that is known', async () => {
  const { messageId } = await smtp.sendMail(mail);
  const path = (id: string): string => `${sandbox.httpUrl}/_control/mails/${encodeURIComponent(id)}/reply`;
  expect(await call(path(messageId), 'POST', { text: 'Ja, gärna!' })).toMatchObject({ status: 409 });
  await setMail({ deliverTo: receiver.deliverTo });
  expect(await call(path('nobody@nowhere'), 'POST', { text: 'x' })).toMatchObject({ status: 404 });
  expect(await call(path(messageId), 'POST', { text: 'Ja, gärna!' })).toMatchObject({
    status: 202,
    body: { eventId: expect.any(String) },
  });
  expect(await call(path(messageId.replace(/[<>]/g, '')), 'POST', { text: 'And once more' })).toMatchObject({
    status: 202,
  });
  const replies = await Promise.all((await receiver.taken(2)).map(readReply));
  expect(replies.map(({ message }) => message.text?.split('\n')[0]?.trim()).sort()).toEqual([
    'And once more',
    'Ja, gärna!',
  ]);
  expect(replies[0]?.message.text).toContain('> Hello Ada');
  expect(new Set(replies.map(({ event }) => event.eventId)).size).toBe(2);
});

test('down refuses, and lost accepts without saying so', async () => {
  await setMail({ mode: 'down' });
  await expect(smtp.sendMail(mail)).rejects.toMatchObject({ responseCode: 421 });
  await setMail({ mode: 'ok', errorRate: 1 });
  await expect(smtp.sendMail(mail)).rejects.toMatchObject({ responseCode: 451 });
  expect(await logOf(sandbox.httpUrl)).toEqual([]);
  await setMail({ mode: 'lost', errorRate: 0 });
  await expect(smtp.sendMail(mail)).rejects.toThrow();
  expect(await logOf(sandbox.httpUrl)).toMatchObject([{ subject: mail.to, outcome: 'lost' }]);
});
