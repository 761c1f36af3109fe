/** What a provider's bad hour costs the callers: pauses that it asked for are kept, and it stops being asked (X-CB-01). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createProvider } from '../src/provider.ts';
import type { AttemptReport, CallOptions, Provider, ProviderOptions } from '../src/provider.ts';
import { inTurn, reply, startPeer } from './peer.ts';
import type { Act, Peer } from './peer.ts';

let peer: Peer;
let provider: Provider | undefined;
let reports: AttemptReport[];
let states: string[];

beforeEach(async () => {
  peer = await startPeer();
  provider = undefined;
  [reports, states] = [[], []];
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
    onBreaker: (_, state) => states.push(state),
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

describe('Retry-After', () => {
  test('a short one is waited for within the call, and by the other calls too', async () => {
    const at: number[] = [];
    const answer = inTurn(reply(429, '', { 'retry-after': '1' }), reply(200, '{"ok":true}'));
    peer.act = (socket, request) => {
      at.push(performance.now());
      answer(socket, request);
    };
    const first = call();
    await expect.poll(() => reports.length).toBe(1);
    await Promise.all([first, call()]);
    expect(at.slice(1).map((ms) => ms - (at[0] ?? 0) >= 990)).toEqual([true, true]);
  });

  test('a long one is handed to the caller, and nobody asks the provider before it is over', async () => {
    peer.act = reply(429, '', { 'retry-after': '30' });
    await expect(call()).rejects.toMatchObject({
      code: 'PRV_ERR_RATE_LIMITED',
      ambiguous: false,
      retryAfterMs: 30_000,
    });
    await expect(call()).rejects.toMatchObject({ code: 'PRV_ERR_RATE_LIMITED', retryAfterMs: expect.any(Number) });
    expect(peer.requests).toHaveLength(1);
  });

  test('an HTTP date, with 503', async () => {
    peer.act = reply(503, '', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() });
    await expect(call()).rejects.toMatchObject({
      code: 'PRV_ERR_FAILED',
      retryAfterMs: expect.toSatisfy((ms: number) => ms > 55_000 && ms <= 60_000),
    });
  });
});

describe('[X-CB-01] breaker', () => {
  const breaker = { volumeMin: 4, resetMs: 50, windowMs: 10_000, thresholdPercent: 50 };

  test('repeated failures stop the calls at once; it closes when the provider is well again', async () => {
    peer.act = reply(500, '');
    open({ breaker });
    for (let n = 0; n < 4; n += 1) await expect(call()).rejects.toMatchObject({ code: 'PRV_ERR_FAILED' });
    await expect(call()).rejects.toMatchObject({
      code: 'PRV_ERR_BREAKER_OPEN',
      ambiguous: false,
      retryAfterMs: expect.any(Number),
    });
    expect(peer.requests).toHaveLength(4);
    expect(reports.at(-1)).toMatchObject({ outcome: 'breaker-open', status: null });

    await expect.poll(() => provider?.breakerState()).toBe('half-open');
    await expect(call()).rejects.toMatchObject({ code: 'PRV_ERR_FAILED' });
    expect(provider?.breakerState()).toBe('open');

    peer.act = reply(200, '{"ok":true}');
    await expect.poll(() => provider?.breakerState()).toBe('half-open');
    await call();
    expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed']);
    await call();
  });

  test('one failure does not open it (opossum would)', async () => {
    peer.act = inTurn(reply(500, ''), reply(200, '{"ok":true}'));
    open({ breaker });
    await expect(call()).rejects.toMatchObject({ code: 'PRV_ERR_FAILED' });
    await call();
    expect(states).toEqual([]);
  });

  test('refusals and rate limits are health', async () => {
    peer.act = reply(404, '');
    open({ breaker });
    for (let n = 0; n < 10; n += 1) await call();
    expect(states).toEqual([]);
  });

  test('deadlines do not hide a provider that hangs', async () => {
    peer.act = hang;
    open({ breaker, timeoutMs: 40 });
    for (let n = 0; n < 4; n += 1) {
      await expect(call({ signal: AbortSignal.timeout(30) })).rejects.toMatchObject({ code: 'PRV_ERR_ABORTED' });
    }
    expect(states).toEqual(['open']);
  });
});
