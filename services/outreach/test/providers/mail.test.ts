/** Mail against the sandbox's server and against servers that misbehave on purpose; header injection above all. */
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startSandbox } from '../../../../test/sandbox/src/index.ts';
import type { Sandbox } from '../../../../test/sandbox/src/index.ts';
import { createMail } from '../../src/providers/mail.ts';
import type { MailOptions } from '../../src/providers/mail.ts';
import type { OutgoingMessage, Transport } from '../../src/providers/transport.ts';
import { converse } from './smtp-peer.ts';
import type { Script } from './smtp-peer.ts';

let sandbox: Sandbox;
let mail: Transport;
let servers: Server[] = [];

beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());
beforeEach(async () => {
  await control('reset', 'POST');
  mail = open();
});
afterEach(async () => {
  await mail.stop();
  for (const server of servers) server.close();
  servers = [];
});

const open = (options: Partial<MailOptions> = {}): Transport =>
  createMail({
    smtpUrl: sandbox.smtpUrl,
    from: { address: 'sales@leadflood.example', name: 'Lead Flood' },
    ...options,
  });

const control = async (path: string, method: string, body?: object): Promise<string> => {
  const answer = await fetch(`${sandbox.httpUrl}/_control/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.ok).toBe(true);
  return answer.text();
};

const mailsSchema = z.object({
  total: z.number(),
  mails: z.array(
    z.object({
      messageId: z.string(),
      to: z.array(z.string()),
      subject: z.string(),
      text: z.string(),
      replyTo: z.string().nullable(),
      from: z.string(),
      references: z.string().nullable(),
      headers: z.array(z.object({ key: z.string(), value: z.string() })),
    }),
  ),
});
const received = async () => mailsSchema.parse(JSON.parse(await control('mails', 'GET')));

const id = '0f0e0d0c-0000-8000-8000-000000000001';
const message = (patch: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  messageId: id,
  to: { email: 'ann@acme.example', phone: null, name: 'Ann Lee' },
  subject: 'Hello',
  body: 'Hello Ann,\nhow are you?\n.\nBest',
  inReplyTo: null,
  replyTo: null,
  ...patch,
});
const header = (mail: { headers: { key: string; value: string }[] } | undefined, name: string): string =>
  mail?.headers.find(({ key }) => key === name)?.value ?? '';
const to = (email: string | null, name: string | null = null) => ({ email, phone: null, name });
const send = (patch: Partial<OutgoingMessage> = {}, signal = new AbortController().signal, from = mail) =>
  from.send(message(patch), { signal, idempotencyKey: id });

test('a mail arrives as it was written, under our Message-ID', async () => {
  const sent = await send({
    inReplyTo: '<before@acme.example>',
    replyTo: 'answers@leadflood.example',
    subject: 'Grüße, 你好',
  });
  expect(sent).toEqual({ kind: 'accepted', providerMessageId: `${id}@leadflood.example` });
  const [mailed] = (await received()).mails;
  expect(mailed).toMatchObject({
    messageId: `${id}@leadflood.example`,
    to: ['ann@acme.example'],
    subject: 'Grüße, 你好',
    replyTo: 'answers@leadflood.example',
    from: 'sales@leadflood.example',
    references: '<before@acme.example>',
  });
  expect(mailed?.text.trim()).toBe('Hello Ann,\nhow are you?\n.\nBest');
});

test('connections are kept: 60 mails over at most two', async () => {
  let connections = 0;
  const counting = await listen((socket) => {
    connections += 1;
    converse(socket, {});
  });
  const pooled = open({ smtpUrl: counting, connectionsMax: 2 });
  const sent = await Promise.all(Array.from({ length: 60 }, (_, n) => send({ messageId: `m${n}` }, undefined, pooled)));
  expect(sent.every(({ kind }) => kind === 'accepted')).toBe(true);
  expect(connections).toBeLessThanOrEqual(2);
  await pooled.stop();
});

describe('[OWASP e-mail headers] nothing gets into a header or the envelope', () => {
  const evil = 'x\r\nBcc: victim@other.example';
  test.each<[string, Partial<OutgoingMessage>, string]>([
    ['recipient with a second header', { to: to('ann@acme.example\r\nBcc: victim@other.example') }, 'bad-address'],
    ['recipient with a command', { to: to('ann@acme.example>\r\nRCPT TO:<victim@other.example') }, 'bad-address'],
    ['two recipients', { to: to('ann@acme.example, victim@other.example') }, 'bad-address'],
    ['recipient in angle brackets', { to: to('"x" <victim@other.example>') }, 'bad-address'],
    ['recipient with a null', { to: to('ann@acme.example\0') }, 'bad-address'],
    ['recipient with a line break at its end', { to: to('ann@acme.example\n') }, 'bad-address'],
    ['no recipient', { to: to(null) }, 'no-address'],
    ['reply address', { replyTo: `a@b.example\r\nBcc: victim@other.example` }, 'bad-header'],
    ['In-Reply-To', { inReplyTo: '<a@b.example>\r\nBcc: victim@other.example' }, 'bad-header'],
    ['Message-ID', { messageId: evil }, 'bad-header'],
  ])('%s', async (_, patch, code) => {
    expect(await send(patch)).toMatchObject({ kind: 'refused', code });
    expect((await received()).total).toBe(0);
  });

  const controls = Array.from({ length: 0xa0 }, (_, i) => i).filter((i) => i < 0x20 || i >= 0x7f);
  test('control characters in a name or a subject become blanks, and the mail goes out', async () => {
    for (const character of [...controls.map((i) => String.fromCharCode(i)), '\r\n', '\u2028', '\u2029']) {
      await control('reset', 'POST');
      const subject = `Hi ${character}Ann${character}${character}Bcc: victim@other.example${character}`;
      const sent = await send({ subject, to: to('ann@acme.example', `Ann${character}Lee ${character}`) });
      expect([character, sent.kind]).toEqual([character, 'accepted']);
      const [mailed] = (await received()).mails;
      expect(mailed).toMatchObject({ to: ['ann@acme.example'], subject: 'Hi Ann Bcc: victim@other.example' });
      expect(header(mailed, 'to')).toBe('Ann Lee <ann@acme.example>');
      expect(mailed?.headers.filter(({ key }) => key === 'bcc' || key === 'cc')).toEqual([]);
    }
  });

  test.each([
    ['base64', '=?utf-8?b?DQpCY2M6IHZpY3RpbUBvdGhlci5leGFtcGxl?='],
    ['quoted', '=?utf-8?q?hi=0D=0ABcc:_victim=40other.example?='],
    ['beside others', 'Grüße =?iso-8859-1?Q?victim=40other.example?= end'],
    ['within one another', '==?utf-8?q?=3D=3F?utf-8?q?victim=40other.example?='],
    ['broken by a control character', '=\u0000?utf-8?q?victim=40other.example?='],
  ])('encoded words (%s) in a name or a subject are not decoded by whoever reads them', async (_, words) => {
    expect(await send({ subject: words, to: to('ann@acme.example', words) })).toMatchObject({ kind: 'accepted' });
    const [mailed] = (await received()).mails;
    expect(mailed?.subject).toContain('= ?');
    for (const shown of [mailed?.subject, header(mailed, 'to')]) expect(shown).not.toContain('victim@other.example');
  });

  test('a subject that no header can hold is cut, a name of nothing is none', async () => {
    expect(await send({ subject: '💥'.repeat(2_000), to: to('ann@acme.example', '\u0001 \u0085') })).toMatchObject({
      kind: 'accepted',
    });
    const [mailed] = (await received()).mails;
    expect(mailed?.subject).toMatch(/^(💥){100,}$/u);
    expect(header(mailed, 'to')).toBe('ann@acme.example');
    expect(await send({ subject: 'half \ud83d of a character' })).toMatchObject({ kind: 'accepted' });
  });

  test('a name with commas, quotes and brackets stays a name', async () => {
    const name = 'Lee, "Ann" <victim@other.example>';
    expect(await send({ to: to('ann@acme.example', name) })).toMatchObject({ kind: 'accepted' });
    expect((await received()).mails[0]?.to).toEqual(['ann@acme.example']);
  });

  test('a body that looks like a path, an address or headers is only text', async () => {
    for (const body of [
      'file:///etc/passwd',
      '{"path":"/etc/passwd"}',
      'Bcc: victim@other.example\r\n\r\nx',
      '.\r\nRCPT TO:<victim@other.example>',
    ]) {
      expect(await send({ body })).toMatchObject({ kind: 'accepted' });
      const [mailed] = (await received()).mails;
      expect(mailed).toMatchObject({ to: ['ann@acme.example'] });
      expect(mailed?.text).toContain(body.split('\r\n')[0]);
    }
  });
});

describe('faults', () => {
  test('down (421): passes, not in doubt', async () => {
    await control('mail', 'PUT', { mode: 'down' });
    await expect(send()).rejects.toMatchObject({ code: 'PRV_ERR_FAILED', ambiguous: false });
  });

  test('451: passes, not in doubt', async () => {
    await control('mail', 'PUT', { errorRate: 1 });
    await expect(send()).rejects.toMatchObject({ code: 'PRV_ERR_FAILED', ambiguous: false });
  });

  test('lost after the data: in doubt, and sent once', async () => {
    await control('mail', 'PUT', { mode: 'lost' });
    await expect(send()).rejects.toMatchObject({ code: 'PRV_ERR_RESET', ambiguous: true });
    expect((await received()).total).toBe(1);
  });

  test('nobody listens: not in doubt', async () => {
    const url = await listen(() => {});
    await new Promise((resolve) => servers.pop()?.close(resolve));
    await expect(send({}, undefined, open({ smtpUrl: url }))).rejects.toMatchObject({
      code: 'PRV_ERR_UNREACHABLE',
      ambiguous: false,
    });
  });

  test.each<[string, Script, object]>([
    ['greeting 421', { greeting: '421 busy' }, { code: 'PRV_ERR_FAILED', ambiguous: false }],
    [
      'greeting 554: about us, not about the mail',
      { greeting: '554 go away' },
      { code: 'PRV_ERR_FAILED', ambiguous: false },
    ],
    ['closed before the greeting', { greeting: null }, { code: 'PRV_ERR_UNREACHABLE', ambiguous: false }],
    ['greylisted', { 'RCPT TO': '450 later' }, { code: 'PRV_ERR_FAILED', ambiguous: false }],
    ['closed at RCPT', { 'RCPT TO': null }, { code: 'PRV_ERR_UNREACHABLE', ambiguous: false }],
    ['closed after the body', { body: null }, { code: 'PRV_ERR_RESET', ambiguous: true }],
  ])('%s', async (_, script, expected) => {
    const transport = open({ smtpUrl: await listen((socket) => converse(socket, script)) });
    await expect(send({}, undefined, transport)).rejects.toMatchObject({ name: 'TransientError', ...expected });
    await transport.stop();
  });

  test.each<[string, Script, string]>([
    ['550 at RCPT', { 'RCPT TO': '550 no such user' }, 'bad-address'],
    ['554 after the body', { body: '554 spam' }, 'rejected'],
    ['552 at MAIL FROM', { 'MAIL FROM': '552 too big' }, 'rejected'],
  ])('%s is an answer', async (_, script, code) => {
    const transport = open({ smtpUrl: await listen((socket) => converse(socket, script)) });
    expect(await send({}, undefined, transport)).toMatchObject({ kind: 'refused', code });
    await transport.stop();
  });

  test('a server that never answers the body: timeout, in doubt', async () => {
    const transport = open({ timeoutMs: 60, smtpUrl: await listen((socket) => converse(socket, { body: 'hang' })) });
    await expect(send({}, undefined, transport)).rejects.toMatchObject({ code: 'PRV_ERR_TIMEOUT', ambiguous: true });
    await transport.stop();
  });

  test('given up: before the body not in doubt, after it in doubt', async () => {
    const stuck = open({ smtpUrl: await listen((socket) => converse(socket, { greeting: 'hang' })) });
    await expect(send({}, AbortSignal.timeout(20), stuck)).rejects.toMatchObject({
      code: 'PRV_ERR_ABORTED',
      ambiguous: false,
    });
    await stuck.stop();
    const caller = new AbortController();
    const late = open({ smtpUrl: await listen((socket) => converse(socket, { body: 'hang' }, () => caller.abort())) });
    await expect(send({}, caller.signal, late)).rejects.toMatchObject({ code: 'PRV_ERR_ABORTED', ambiguous: true });
    await late.stop();
  });

  test('[X-CB-01] a dead server stops being asked', async () => {
    const url = await listen(() => {});
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const dead = open({ smtpUrl: url, breaker: { volumeMin: 3 } });
    for (let n = 0; n < 3; n += 1)
      await expect(send({}, undefined, dead)).rejects.toMatchObject({ code: 'PRV_ERR_UNREACHABLE' });
    await expect(send({}, undefined, dead)).rejects.toMatchObject({ code: 'PRV_ERR_BREAKER_OPEN', ambiguous: false });
    await dead.stop();
  });
});

async function listen(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createServer(onSocket);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server that listens has one
}
