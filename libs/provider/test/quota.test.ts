/** Our own limits: exact over a window, without Redis too, and thrown when the wait would be long. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { createProvider } from '../src/provider.ts';
import { createQuota } from '../src/quota.ts';
import { createRedis } from '../src/redis.ts';
import type { Redis } from '../src/redis.ts';
import { startPeer } from './peer.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server that listens has one
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** How many of `count` requests may go now, and the wait of the first that may not. */
async function takeAll(
  take: () => number | Promise<number>,
  count: number,
): Promise<{ granted: number; waitMs: number }> {
  const answers = await Promise.all(Array.from({ length: count }, () => take()));
  return { granted: answers.filter((ms) => ms === 0).length, waitMs: Math.max(...answers) };
}

test('no limit, no quota', () => {
  expect(createQuota('p', {}, Date.now)).toBeNull();
});

test('grants exactly the limit of a window, in blocks, and says how long the rest has to wait', async () => {
  const quota = createQuota('p', { perMinute: 107 }, Date.now);
  const { granted, waitMs } = await takeAll(() => quota?.take() ?? 0, 500);
  expect(granted).toBe(107);
  expect(waitMs).toBeGreaterThan(50_000);
  expect(waitMs).toBeLessThanOrEqual(60_000);
});

test('both limits hold: what the minute refuses is handed back to the second', async () => {
  const quota = createQuota('p', { perSecond: 30, perMinute: 12 }, Date.now);
  expect((await takeAll(() => quota?.take() ?? 0, 40)).granted).toBe(12);
});

test('with Redis gone each replica keeps to its share, tells once, and waits for no command', async () => {
  const log = vi.fn();
  const redis: Redis = createRedis(`redis://127.0.0.1:${await closedPort()}`, log);
  stops.push(() => redis.disconnect());
  const onShared = vi.fn();
  const quota = createQuota('p', { perMinute: 90, replicas: 3, redis, onShared }, Date.now);
  const startedAt = performance.now();
  expect((await takeAll(() => quota?.take() ?? 0, 200)).granted).toBe(30);
  expect(performance.now() - startedAt).toBeLessThan(400);
  expect(onShared.mock.calls).toEqual([[false]]);
  await vi.waitFor(() => expect(log).toHaveBeenCalledTimes(1));
  expect(log).toHaveBeenCalledWith(expect.objectContaining({ level: 'warn' }));
});

test('a call that would wait longer than allowed is thrown as PRV_ERR_QUOTA, unambiguous, with the wait', async () => {
  const peer = await startPeer();
  stops.push(() => peer.stop());
  const outcomes: string[] = [];
  const provider = createProvider({
    name: 'q',
    baseUrl: peer.url,
    allowPrivate: true,
    quota: { perMinute: 2 },
    onAttempt: ({ outcome }) => outcomes.push(outcome),
  });
  stops.push(() => provider.stop());
  const call = () =>
    provider.call({
      operation: 'o',
      method: 'GET',
      path: '/',
      schema: z.object({ ok: z.boolean() }),
      signal: new AbortController().signal,
    });
  await call();
  await call();
  await expect(call()).rejects.toMatchObject({
    code: 'PRV_ERR_QUOTA',
    ambiguous: false,
    retryAfterMs: expect.any(Number),
  });
  expect(peer.requests).toHaveLength(2);
  expect(outcomes).toEqual(['ok', 'ok', 'quota']);
});
