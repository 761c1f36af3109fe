/** F8, fault by fault: what a misbehaving provider turns into, and what it may not cost. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createProvider } from '../src/provider.ts';
import type { AttemptReport, CallOptions, Provider, ProviderOptions } from '../src/provider.ts';
import { inTurn, reply, startPeer } from './peer.ts';
import type { Act, Peer } from './peer.ts';

let peer: Peer;
let provider: Provider | undefined;
let reports: AttemptReport[];

beforeEach(async () => {
  peer = await startPeer();
  provider = undefined;
  reports = [];
});
afterEach(async () => {
  await peer.stop();
  await provider?.stop();
});

const schema = z.object({ ok: z.boolean() });
type Answer = z.infer<typeof schema>;

function open(options: Partial<ProviderOptions> = {}): Provider {
  provider = createProvider({
    name: 'peer',
    baseUrl: `${peer.url}/base/`,
    allowPrivate: true,
    retries: { baseMs: 1 },
    onAttempt: (report) => reports.push(report),
    ...options,
  });
  return provider;
}
const call = (options: Partial<CallOptions<Answer>> = {}, from = provider ?? open()) =>
  from.call({
    operation: 'ask',
    method: 'GET',
    path: '/ask',
    schema,
    signal: new AbortController().signal,
    ...options,
  });

const hang: Act = () => {};
const halfBody: Act = (socket) =>
  void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"ok":', () => socket.destroy());
const noAnswer: Act = (socket) => void socket.destroy();

test('sends method, path, query, headers and body, and answers what the schema made of it', async () => {
  const answer = await call({
    method: 'POST',
    query: { q: 'a b', none: null, no: undefined, n: 1 },
    headers: { 'x-key': 'k' },
    json: { a: 1 },
    price: () => 20_000,
  });
  expect(answer).toEqual({
    kind: 'ok',
    status: 200,
    data: { ok: true },
    latencyMs: expect.any(Number),
    costMicros: 20_000,
    headers: expect.objectContaining({ 'content-length': expect.any(String) }),
  });
  expect(peer.requests[0]).toMatch(/^POST \/base\/ask\?q=a\+b&n=1 HTTP\/1\.1\r\n/);
  expect(peer.requests[0]).toMatch(/x-key: k\r\n/);
  expect(peer.requests[0]).toMatch(/\r\n\r\n\{"a":1\}$/);
  expect(reports).toEqual([
    {
      provider: 'peer',
      operation: 'ask',
      outcome: 'ok',
      status: 200,
      latencyMs: expect.any(Number),
      costMicros: 20_000,
    },
  ]);
});

test('connections are kept', async () => {
  for (let n = 0; n < 10; n += 1) await call();
  // undici frees a connection a moment after its answer: one call after the other alternates between two
  expect(peer.connections).toBeLessThanOrEqual(2);
});

test.each([302, 400, 401, 404, 422])('%i is an answer, once, with the beginning of its text', async (status) => {
  peer.act = reply(status, 'x'.repeat(5_000), { location: 'http://10.0.0.1/' });
  expect(await call()).toEqual({
    kind: 'refused',
    status,
    body: 'x'.repeat(500),
    reason: null,
    latencyMs: expect.any(Number),
  });
  expect(peer.requests).toHaveLength(1);
});

describe('passing faults', () => {
  const rows: readonly [string, Act, { code: string; ambiguous: boolean }, number][] = [
    ['503', reply(503, ''), { code: 'PRV_ERR_FAILED', ambiguous: false }, 3],
    ['500: the work may have been done', reply(500, ''), { code: 'PRV_ERR_FAILED', ambiguous: true }, 1],
    ['502: the work may have been done', reply(502, ''), { code: 'PRV_ERR_FAILED', ambiguous: true }, 1],
    ['reset in mid-body', halfBody, { code: 'PRV_ERR_RESET', ambiguous: true }, 1],
    ['no answer at all', noAnswer, { code: 'PRV_ERR_RESET', ambiguous: true }, 1],
    ['garbage JSON', reply(200, '{"ok":<html>'), { code: 'PRV_ERR_GARBAGE', ambiguous: true }, 1],
    ['another shape', reply(200, '{"ok":"yes"}'), { code: 'PRV_ERR_SHAPE', ambiguous: true }, 1],
    ['an empty 200', reply(200, ''), { code: 'PRV_ERR_SHAPE', ambiguous: true }, 1],
  ];
  test.each(rows)('%s', async (_, act, expected, requests) => {
    peer.act = act;
    await expect(call()).rejects.toMatchObject({ name: 'TransientError', ...expected });
    expect(peer.requests).toHaveLength(requests);
  });

  test('a repeatable call is made again after a lost answer', async () => {
    peer.act = inTurn(noAnswer, halfBody, reply(200, '{"ok":true}'));
    expect(await call({ repeatable: true })).toMatchObject({ kind: 'ok' });
    expect(reports.map(({ outcome }) => outcome)).toEqual(['reset', 'reset', 'ok']);
  });

  test('refused connection: unreachable, nothing sent', async () => {
    await peer.stop();
    await expect(call()).rejects.toMatchObject({ code: 'PRV_ERR_UNREACHABLE', ambiguous: false });
    expect(reports).toHaveLength(3);
  });

  test('too slow: timeout, ambiguous, once, and the connection is really closed', async () => {
    const closed = new Promise<void>((resolve) => {
      peer.act = (socket) => void socket.on('close', () => resolve());
    });
    await expect(call({}, open({ timeoutMs: 30 }))).rejects.toMatchObject({ code: 'PRV_ERR_TIMEOUT', ambiguous: true });
    await closed;
    expect(peer.requests).toHaveLength(1);
  });

  test('a server that trickles bytes does not stretch the timeout', async () => {
    peer.act = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
      const drip = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => clearInterval(drip));
    };
    await expect(call({}, open({ timeoutMs: 60 }))).rejects.toMatchObject({ code: 'PRV_ERR_TIMEOUT' });
  });

  test('waiting behind others is within the timeout, and unambiguous: it was never sent', async () => {
    peer.act = hang;
    const patient = open({ timeoutMs: 40, concurrencyMax: 1 });
    const [first, second] = await Promise.allSettled([call({}, patient), call({}, patient)]);
    expect(first).toMatchObject({ reason: { code: 'PRV_ERR_TIMEOUT', ambiguous: true } });
    expect(second).toMatchObject({ reason: { code: 'PRV_ERR_TIMEOUT', ambiguous: false } });
  });

  test('a caller who gives up: before it was sent unambiguous, afterwards ambiguous', async () => {
    const early = AbortSignal.abort();
    await expect(call({ signal: early })).rejects.toMatchObject({ code: 'PRV_ERR_ABORTED', ambiguous: false });
    const late = new AbortController();
    peer.act = () => late.abort();
    await expect(call({ signal: late.signal })).rejects.toMatchObject({ code: 'PRV_ERR_ABORTED', ambiguous: true });
  });

  test('a body of 100 MB is cut at the limit, announced or not', async () => {
    let written = 0;
    peer.act = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
      const more = (): void => {
        while (written < 100_000_000 && socket.writable) {
          written += 65_536;
          if (!socket.write(chunk)) return void socket.once('drain', more);
        }
      };
      more();
    };
    await expect(call()).rejects.toMatchObject({ code: 'PRV_ERR_TOO_LARGE', ambiguous: true });
    expect(written).toBeLessThan(20_000_000);
    peer.act = (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n{');
    await expect(call()).rejects.toMatchObject({ code: 'PRV_ERR_TOO_LARGE' });
  });

  test('a header with a line break cannot be sent', async () => {
    await expect(call({ headers: { 'x-key': 'a\r\nhost: other' } })).rejects.toMatchObject({
      code: 'PRV_ERR_BAD_REQUEST',
      name: 'CodedError',
    });
    expect(peer.requests).toHaveLength(0);
  });
});
