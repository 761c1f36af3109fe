/** Several replicas before one provider: what they share (the quota) and what each has for itself (the breaker). */
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { randomId } from '@lead-flood/kernel';
import { testEnvironment } from '@lead-flood/testing';
import { createProvider } from '../src/provider.ts';
import type { Provider } from '../src/provider.ts';
import { createQuota } from '../src/quota.ts';
import type { Quota } from '../src/quota.ts';
import { createRedis } from '../src/redis.ts';
import { reply, startPeer } from './peer.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

describe('a quota', () => {
  const PER_MINUTE = 107;
  /** Blocks of a twentieth: what a replica takes from the window at once. */
  const BLOCK = 5;

  /** A replica has a connection of its own; killed, nothing of it is given back. */
  async function startReplica(name: string): Promise<{ quota: Quota; kill: () => void }> {
    const redis = createRedis(testEnvironment().REDIS_URL);
    stops.push(() => redis.disconnect());
    await expect.poll(() => redis.status).toBe('ready');
    const quota = createQuota(name, { perMinute: PER_MINUTE, replicas: 2, redis }, Date.now);
    if (quota === null) throw new Error('a limit is a quota');
    return { quota, kill: () => redis.disconnect() };
  }

  const takeMany = async ({ quota }: { quota: Quota }, count: number): Promise<number> =>
    (await Promise.all(Array.from({ length: count }, () => quota.take()))).filter((waitMs) => waitMs === 0).length;

  test('is kept in common: two replicas that ask at once get exactly the window between them', async () => {
    const name = randomId();
    const replicas = [await startReplica(name), await startReplica(name)];
    const granted = await Promise.all(replicas.map((replica) => takeMany(replica, 200)));
    expect(granted.reduce((sum, n) => sum + n)).toBe(PER_MINUTE);
    expect(Math.min(...granted)).toBeGreaterThan(0);
    expect(await takeMany(await startReplica(name), 10)).toBe(0);
  });

  test('is never exceeded when a replica is killed: what it had reserved is lost until the next window', async () => {
    const name = randomId();
    const [killed, other] = [await startReplica(name), await startReplica(name)];
    expect(await takeMany(killed, 1)).toBe(1);
    killed.kill();
    expect(await takeMany(other, 200)).toBe(PER_MINUTE - BLOCK);
    expect(await takeMany(await startReplica(name), 10)).toBe(0);
  });
});

describe('[X-CB-01] a breaker', () => {
  const breaker = { volumeMin: 4, resetMs: 50, windowMs: 10_000, thresholdPercent: 50 };

  test('is each replica’s own: a provider that is down sees the threshold from each, then one trial call from each', async () => {
    const peer = await startPeer();
    stops.push(() => peer.stop());
    peer.act = reply(500, '');
    const replicas = Array.from({ length: 2 }, () => {
      const provider = createProvider({ name: 'down', baseUrl: peer.url, allowPrivate: true, breaker });
      stops.push(() => provider.stop());
      return provider;
    });
    const [first, second] = replicas as [Provider, Provider];
    const states = () => replicas.map((provider) => provider.breakerState());

    await failOneByOne(first, 10);
    expect(states()).toEqual(['open', 'closed']);
    expect(peer.requests).toHaveLength(breaker.volumeMin);
    await failOneByOne(second, 10);
    expect(peer.requests).toHaveLength(2 * breaker.volumeMin);

    await expect.poll(states).toEqual(['half-open', 'half-open']);
    await Promise.all(replicas.flatMap((provider) => Array.from({ length: 5 }, () => fail(provider))));
    expect(peer.requests).toHaveLength(2 * breaker.volumeMin + 2);
  });

  const fail = (provider: Provider): Promise<void> =>
    expect(
      provider.call({
        operation: 'ask',
        method: 'GET',
        path: '/',
        schema: z.object({ ok: z.boolean() }),
        signal: new AbortController().signal,
      }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^PRV_ERR_(FAILED|BREAKER_OPEN)$/) });

  async function failOneByOne(provider: Provider, count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) await fail(provider);
  }
});
