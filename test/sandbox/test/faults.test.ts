// Every way in which a provider can fail, at each of the providers, and what the accept log says afterwards.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { person, startSandbox } from '../src/index.ts';
import type { Sandbox } from '../src/index.ts';
import { call, logOf } from './receiver.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());
beforeEach(async () => {
  await call(`${sandbox.httpUrl}/_control/reset`, 'POST');
});

const { email, firstName, lastName, company } = person(1);
const name = `first_name=${firstName}&last_name=${lastName}`;
const requests: Record<string, (headers?: Record<string, string>, signal?: AbortSignal) => Promise<Response>> = {
  apollo: (headers, signal) => post('/apollo/api/v1/people/match', { email }, { 'x-api-key': 'k', ...headers }, signal),
  hunter: (headers, signal) =>
    fetch(`${sandbox.httpUrl}/hunter/v2/email-finder?domain=${company.domain}&${name}&api_key=k`, {
      headers: headers ?? {},
      signal: signal ?? null,
    }),
  pdl: (headers, signal) =>
    fetch(`${sandbox.httpUrl}/pdl/v5/person/enrich?email=${email}`, {
      headers: { 'x-api-key': 'k', ...headers },
      signal: signal ?? null,
    }),
  trengo: (headers, signal) =>
    post(
      '/trengo/api/v2/wa_sessions',
      { recipient_phone_number: '+12025550100', hsm_id: 1 },
      { authorization: 'Bearer k', ...headers },
      signal,
    ),
};

function post(
  path: string,
  body: object,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return fetch(`${sandbox.httpUrl}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
    signal: signal ?? null,
  });
}

describe.each(['apollo', 'hunter', 'pdl', 'trengo'])('%s', (provider) => {
  const set = (patch: object) =>
    call(`${sandbox.httpUrl}/_control/providers/${provider}`, 'PUT', { hitRate: 1, ...patch });
  const ask = (headers?: Record<string, string>, signal?: AbortSignal) =>
    requests[provider]?.(headers, signal) ?? Promise.reject(new Error(provider));
  const outcomes = async () => (await logOf(sandbox.httpUrl)).map(({ outcome }) => outcome);

  test('down: the status to fail with, a JSON body, nothing accepted', async () => {
    await set({ mode: 'down', failStatus: 502 });
    const response = await ask();
    expect(response.status).toBe(502);
    expect(await response.json()).toBeTypeOf('object');
    expect(await outcomes()).toEqual([]);
  });

  test('rate-limited: 429, Hunter 403, and Retry-After', async () => {
    await set({ mode: 'rate-limited', retryAfterSeconds: 7 });
    const response = await ask();
    expect([response.status, response.headers.get('retry-after')]).toEqual([provider === 'hunter' ? 403 : 429, '7']);
    expect(await response.json()).toBeTypeOf('object');
    expect(await outcomes()).toEqual([]);
  });

  test('reset: accepted, but the body breaks off', async () => {
    await set({ mode: 'reset' });
    const response = await ask();
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    expect(await outcomes()).toEqual(['reset']);
  });

  test('garbage: accepted, but the body is no JSON', async () => {
    await set({ mode: 'garbage' });
    await expect((await ask()).json()).rejects.toThrow(SyntaxError);
    expect(await outcomes()).toEqual(['garbage']);
  });

  test('lost: accepted, but there is no answer', async () => {
    await set({ mode: 'lost' });
    await expect(ask()).rejects.toThrow();
    expect(await outcomes()).toEqual(['lost']);
  });

  test('slow: accepted, but no caller waits that long', async () => {
    await set({ mode: 'slow', slowMs: 60_000 });
    await expect(ask({}, AbortSignal.timeout(50))).rejects.toThrow(/timeout/i);
    expect(await outcomes()).toHaveLength(1);
  });

  test('errorRate: a share of the requests fails', async () => {
    await set({ errorRate: 0.5, failStatus: 500 });
    const statuses: number[] = [];
    for (let i = 0; i < 60; i += 1) {
      const response = await ask();
      await response.arrayBuffer();
      statuses.push(response.status);
    }
    const failed = statuses.filter((status) => status === 500).length;
    expect(failed).toBeGreaterThan(15);
    expect(failed).toBeLessThan(45);
    expect(await outcomes()).toHaveLength(60 - failed);
  });

  test('latency: takes the time asked for', async () => {
    await set({ latencyMs: { p50: 40, p99: 40 } });
    const startedAt = performance.now();
    await (await ask()).arrayBuffer();
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(39);
  });

  test('dedupe: a repeated key is answered from memory, also after a lost answer', async () => {
    await set({ mode: 'lost', dedupe: true });
    await expect(ask({ 'idempotency-key': 'one' })).rejects.toThrow();
    await set({ mode: 'ok' });
    const [again, third] = [await ask({ 'idempotency-key': 'one' }), await ask({ 'idempotency-key': 'one' })];
    expect(again.status).toBe(200);
    expect(await again.text()).toBe(await third.text());
    await (await ask({ 'idempotency-key': 'two' })).arrayBuffer();
    const { body } = await call(`${sandbox.httpUrl}/_control/summary`);
    expect(body).toMatchObject({ providers: { [provider]: { accepted: 2, repeats: 2 } } });
    expect(await logOf(sandbox.httpUrl)).toMatchObject([
      { idempotencyKey: 'one', outcome: 'lost' },
      { idempotencyKey: 'two' },
    ]);
  });

  test('without dedupe a repeated key is accepted again', async () => {
    await set({ dedupe: false });
    for (let i = 0; i < 2; i += 1) await (await ask({ 'idempotency-key': 'one' })).arrayBuffer();
    expect(await outcomes()).toHaveLength(2);
  });
});
