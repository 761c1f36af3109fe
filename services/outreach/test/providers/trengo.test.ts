/** WhatsApp through Trengo's own shapes in the sandbox, and which transports are configured. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startSandbox } from '../../../../test/sandbox/src/index.ts';
import type { Sandbox } from '../../../../test/sandbox/src/index.ts';
import { createTransports } from '../../src/providers/registry.ts';
import { createTrengo } from '../../src/providers/trengo.ts';
import type { Transport } from '../../src/providers/transport.ts';

let sandbox: Sandbox;
let trengo: Transport;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());
beforeEach(async () => {
  await control('reset', 'POST');
  trengo = open();
});
afterEach(() => trengo.stop());

const open = (templateId?: number, timeoutMs = 2_000): Transport =>
  createTrengo({
    apiKey: 'k',
    baseUrl: `${sandbox.httpUrl}/trengo`,
    allowPrivate: true,
    timeoutMs,
    retries: { baseMs: 1 },
    ...(templateId === undefined ? {} : { templateId }),
  });
const control = async (path: string, method: string, body?: object): Promise<string> => {
  const answer = await fetch(`${sandbox.httpUrl}/_control/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.ok).toBe(true);
  return answer.text();
};
const log = async () => (await control('log', 'GET')).split('\n').filter((line) => line !== '');
const send = (phone: string | null = '+12025550100') =>
  trengo.send(
    {
      messageId: 'm',
      to: { email: null, phone, name: 'Ann' },
      subject: null,
      body: 'Hello Ann',
      inReplyTo: null,
      replyTo: null,
    },
    { signal: new AbortController().signal, idempotencyKey: 'the-key' },
  );

test('[OU-14] a WhatsApp message goes out, as text or through a template', async () => {
  expect(await send()).toEqual({ kind: 'accepted', providerMessageId: expect.stringMatching(/^\d+$/) });
  await trengo.stop();
  trengo = open(7);
  expect(await send()).toMatchObject({ kind: 'accepted' });
  expect(await log()).toHaveLength(2);
  expect((await log())[0]).toContain('the-key');
});

describe('refusals are answers', () => {
  test.each([
    ['no number', null, 'no-address'],
    ['not a number', 'call me', 'bad-address'],
    ['a local number', '0171 234', 'bad-address'],
  ])('%s', async (_, phone, code) => {
    expect(await send(phone)).toMatchObject({ kind: 'refused', code });
    expect(await log()).toEqual([]);
  });

  test('a number without WhatsApp', async () => {
    await control('providers/trengo', 'PUT', { hitRate: 0 });
    expect(await send()).toEqual({
      kind: 'refused',
      code: 'bad-address',
      detail: 'trengo answered 422: recipient_phone_number',
    });
  });

  test('a wrong key', async () => {
    await control('providers/trengo', 'PUT', { apiKey: 'other' });
    expect(await send()).toMatchObject({ kind: 'refused', code: 'not-authorised' });
  });
});

test.each([
  ['down', { mode: 'down', retryAfterSeconds: 0 }, { code: 'PRV_ERR_FAILED', ambiguous: false }, 0],
  ['500', { mode: 'down', failStatus: 500 }, { code: 'PRV_ERR_FAILED', ambiguous: true }, 0],
  [
    'rate-limited',
    { mode: 'rate-limited', retryAfterSeconds: 20 },
    { code: 'PRV_ERR_RATE_LIMITED', ambiguous: false, retryAfterMs: 20_000 },
    0,
  ],
  ['reset', { mode: 'reset' }, { code: 'PRV_ERR_RESET', ambiguous: true }, 1],
  ['lost', { mode: 'lost' }, { code: 'PRV_ERR_RESET', ambiguous: true }, 1],
  ['garbage', { mode: 'garbage' }, { code: 'PRV_ERR_GARBAGE', ambiguous: true }, 1],
])('[F8] %s: never sent twice', async (_, mode, expected, accepted) => {
  await control('providers/trengo', 'PUT', mode);
  await expect(send()).rejects.toMatchObject({ name: 'TransientError', ...expected });
  expect(await log()).toHaveLength(accepted);
});

test('[F8] slow: in doubt', async () => {
  await trengo.stop();
  trengo = open(undefined, 40);
  await control('providers/trengo', 'PUT', { mode: 'slow' });
  await expect(send()).rejects.toMatchObject({ code: 'PRV_ERR_TIMEOUT', ambiguous: true });
});

test('[OU-13] a channel without a key is not configured', async () => {
  const none = createTransports({ trengoApiKey: ' ', smtpUrl: 'smtp://127.0.0.1:25' });
  expect(none).toMatchObject({ byChannel: { email: null, whatsapp: null }, notConfigured: ['email', 'whatsapp'] });
  const both = createTransports({ trengoApiKey: 'k', smtpUrl: 'smtp://127.0.0.1:25', mailFrom: 'a@b.example' });
  expect(both.notConfigured).toEqual([]);
  expect(both.breakerStates()).toEqual({ smtp: 'closed', trengo: 'closed' });
  await both.stop();
  expect(() =>
    createTransports({ smtpUrl: 'smtp://127.0.0.1:25', mailFrom: 'a@b.example\r\nBcc: c@d.example' }),
  ).toThrow();
});
