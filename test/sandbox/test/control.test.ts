// The control API: settings and their bounds, log, summary, doubles, reset.
import nodemailer from 'nodemailer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { person, startSandbox } from '../src/index.ts';
import type { Sandbox } from '../src/index.ts';
import { call, logOf } from './receiver.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ providers: { pdl: { hitRate: 1 } } });
});
afterEach(() => sandbox.stop());

const control = (path: string, method = 'GET', body?: unknown) => call(`${sandbox.httpUrl}${path}`, method, body);
const enrich = (seed: number) =>
  call(`${sandbox.httpUrl}/pdl/v5/person/enrich?email=${person(seed).email}`, 'GET', undefined, { 'x-api-key': 'k' });
const whatsapp = (phone: string, key: string) =>
  call(
    `${sandbox.httpUrl}/trengo/api/v2/wa_sessions`,
    'POST',
    { recipient_phone_number: phone, hsm_id: 1 },
    { authorization: 'Bearer k', 'idempotency-key': key },
  );

test('settings change in part, are listed, and come back with a reset', async () => {
  expect(await control('/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
  expect(
    await control('/_control/providers/pdl', 'PUT', { errorRate: 0.1, latencyMs: { p50: 5, p99: 50 } }),
  ).toMatchObject({
    status: 200,
    body: { errorRate: 0.1, latencyMs: { p50: 5, p99: 50 }, hitRate: 1, mode: 'ok' },
  });
  expect((await control('/_control/providers')).body).toMatchObject({
    apollo: { hitRate: 0.7 },
    hunter: { hitRate: 0.6 },
    pdl: { errorRate: 0.1 },
    trengo: { dedupe: false },
  });
  await control('/_control/reset', 'POST');
  expect((await control('/_control/providers')).body).toMatchObject({ pdl: { errorRate: 0, hitRate: 1 } });
});

test.each([
  ['/_control/providers/pdl', { hitrate: 1 }],
  ['/_control/providers/pdl', { hitRate: 1.5 }],
  ['/_control/providers/pdl', { mode: 'broken' }],
  ['/_control/providers/pdl', { latencyMs: { p50: 10, p99: 5 } }],
  ['/_control/providers/pdl', { latencyMs: { p50: 10 } }],
  ['/_control/mail', { replies: 1 }],
  ['/_control/mail', { deliverTo: { url: 'ftp://x', secret: 's' } }],
  ['/_control/mail', undefined],
])('PUT %s refuses %j and changes nothing', async (path, body) => {
  const before = (await control('/_control/providers')).body;
  expect(await control(path, 'PUT', body)).toMatchObject({ status: 400, body: { error: 'invalid' } });
  expect((await control('/_control/providers')).body).toEqual(before);
});

test('what does not exist is 404', async () => {
  expect(await control('/_control/providers/nobody', 'PUT', {})).toMatchObject({ status: 404 });
  expect(await control('/nothing/here')).toMatchObject({ status: 404 });
  expect(await control('/_control/log?after=minus')).toMatchObject({ status: 400 });
});

test('the log is numbered, can be read on from a place, and starts empty after a reset', async () => {
  for (let seed = 0; seed < 5; seed += 1) await enrich(seed);
  const all = await logOf(sandbox.httpUrl);
  expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  expect(all[0]).toEqual({
    seq: 1,
    at: expect.stringMatching(/^\d{4}-.*Z$/),
    provider: 'pdl',
    operation: 'person/enrich',
    subject: person(0).email,
    outcome: 'hit',
    price: 280_000,
  });
  expect((await logOf(sandbox.httpUrl, 3)).map(({ seq }) => seq)).toEqual([4, 5]);
  await control('/_control/reset', 'POST');
  expect(await logOf(sandbox.httpUrl)).toEqual([]);
  await enrich(9);
  expect((await logOf(sandbox.httpUrl)).map(({ seq }) => seq)).toEqual([6]);
});

test('the summary counts by provider, operation and outcome, and adds up the cost', async () => {
  for (let seed = 0; seed < 3; seed += 1) await enrich(seed);
  await control('/_control/providers/pdl', 'PUT', { hitRate: 0 });
  await enrich(3);
  await control('/_control/providers/pdl', 'PUT', { mode: 'down' });
  await enrich(4);
  expect((await control('/_control/summary')).body).toMatchObject({
    lastSeq: 4,
    accepted: 4,
    costMicroUsd: 840_000,
    providers: {
      pdl: {
        accepted: 4,
        refused: 1,
        repeats: 0,
        costMicroUsd: 840_000,
        operations: { 'person/enrich': 4 },
        outcomes: { hit: 3, miss: 1, failed: 1 },
      },
    },
  });
});

test('doubles lists who was written to more than once, by mail or WhatsApp, and with how many keys', async () => {
  const smtp = nodemailer.createTransport(sandbox.smtpUrl);
  const mail = { from: 'sales@lead-flood.example', subject: 'Hello', text: 'x' };
  await smtp.sendMail({ ...mail, to: 'once@volvo.se.example' });
  for (const to of ['twice@volvo.se.example', 'Twice@Volvo.se.example'])
    await smtp.sendMail({ ...mail, to, messageId: '<same@lead-flood.example>' });
  smtp.close();
  await whatsapp('+12025550100', 'a');
  for (const key of ['a', 'b', 'b']) await whatsapp('+1 202 555 0101', key);
  for (let i = 0; i < 2; i += 1) await enrich(1);
  expect((await control('/_control/doubles')).body).toEqual({
    doubles: [
      { provider: 'trengo', operation: 'wa_sessions', subject: '+12025550101', count: 3, keys: 2 },
      { provider: 'mail', operation: 'send', subject: 'twice@volvo.se.example', count: 2, keys: 1 },
    ],
  });
});
