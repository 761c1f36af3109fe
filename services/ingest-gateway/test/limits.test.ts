/** Rate limits on the running gateway, with Redis and without. */
import { afterEach, describe, expect, it } from 'vitest';
import { randomId } from '@lead-flood/kernel';
import { createRedis } from '@lead-flood/provider';
import { testEnvironment } from '@lead-flood/testing';
import { createRateLimiter } from '../src/limits/rate-limiter.ts';
import type { Gateway } from './harness.ts';
import { startGateway } from './harness.ts';

const open: Gateway[] = [];
const start = async (settings: Record<string, string>): Promise<Gateway> => {
  const gateway = await startGateway(settings);
  open.push(gateway);
  return gateway;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((gateway) => gateway.stop()));
});

/** A window long enough that a test never sees its end. */
const LONG = '100000';

describe('limits', () => {
  it('[X-RL-02] 300 requests of one address pass, the next is 429 with Retry-After', async () => {
    const gateway = await start({ IP_LIMIT: '300', IP_LIMIT_SECONDS: LONG });
    const answers = await Promise.all(Array.from({ length: 310 }, () => gateway.ask('/v1/system/health')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(300);
    const refused = await gateway.ask('/v1/nothing');
    expect([refused.status, refused.code(), refused.headers.get('x-ratelimit-remaining')]).toEqual([
      429,
      'rate_limited',
      '0',
    ]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it.each([1, 2, 3])('[X-RL-02] %i replicas together let the limit pass, and no more', async (replicas) => {
    const address = `ip:${randomId()}`;
    const clients = Array.from({ length: replicas }, () => createRedis(testEnvironment().REDIS_URL));
    const limiters = clients.map((redis) => createRateLimiter(redis, Date.now));
    const verdicts = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => limiters[i % replicas]?.take(address, { max: 300, seconds: 60 })),
    );
    for (const redis of clients) redis.disconnect();
    expect(verdicts.filter((verdict) => verdict?.allowed === true)).toHaveLength(300);
  });

  it('[X-RL-02] X-Forwarded-For opens no other bucket unless the proxy is trusted', async () => {
    const gateway = await start({ IP_LIMIT: '2', IP_LIMIT_SECONDS: LONG });
    const ask = (i: number) => gateway.ask('/v1/system/health', { headers: { 'x-forwarded-for': `203.0.113.${i}` } });
    expect([(await ask(1)).status, (await ask(2)).status, (await ask(3)).status]).toEqual([200, 200, 429]);
    const trusting = await start({ IP_LIMIT: '2', IP_LIMIT_SECONDS: LONG, TRUSTED_PROXIES: '127.0.0.1' });
    for (let i = 1; i < 6; i += 1)
      expect(
        (await trusting.ask('/v1/system/health', { headers: { 'x-forwarded-for': `203.0.113.${i}` } })).status,
      ).toBe(200);
  });

  it('probes count in no window: a balancer asks from one address, for as long as it lives', async () => {
    const gateway = await start({ IP_LIMIT: '2', IP_LIMIT_SECONDS: LONG });
    for (const path of ['/health', '/ready', '/health', '/ready']) expect((await gateway.ask(path)).status).toBe(200);
    const others = await Promise.all([1, 2, 3].map(() => gateway.ask('/v1/system/health')));
    expect(others.map(({ status }) => status).toSorted()).toEqual([200, 200, 429]);
    expect((await gateway.ask('/health')).status).toBe(200);
  });

  it('[X-RL-01] RATE_LIMIT_RPM holds per user, and every answer tells what is left', async () => {
    const gateway = await start({ RATE_LIMIT_RPM: '3' });
    const [one, two] = [await gateway.mint('admin', 'one'), await gateway.mint('admin', 'two')];
    const left = [];
    for (let i = 0; i < 3; i += 1)
      left.push((await gateway.ask('/v1/auth/me', { token: one })).headers.get('x-ratelimit-remaining'));
    // A minute may turn between two requests: then the count starts anew.
    expect([['2', '1', '0']]).toContainEqual(left);
    const refused = await gateway.ask('/v1/auth/me', { token: one });
    expect([refused.status, refused.headers.get('x-ratelimit-limit')]).toEqual([429, '3']);
    expect(Number(refused.headers.get('x-ratelimit-reset')) * 1_000).toBeGreaterThan(Date.now() - 1_000);
    expect((await gateway.ask('/v1/auth/me', { token: two })).status).toBe(200);
  });

  it('[X-RL-03] an API key has its plan’s requests per hour', async () => {
    const gateway = await start({ PLAN_LIMIT_ENTERPRISE: '2' });
    const ask = () => gateway.ask('/v1/auth/me', { token: gateway.seeded.apiKey });
    expect([(await ask()).status, (await ask()).status, (await ask()).status]).toEqual([200, 200, 429]);
  });

  it('[X-AU-09] five attempts to sign in per address and e-mail', async () => {
    const gateway = await start({ AUTH_ATTEMPTS_MAX: '5', AUTH_ATTEMPTS_SECONDS: LONG });
    const email = `${randomId()}@demo.lead-flood.example`;
    const ask = () => gateway.ask('/v1/auth/login', { json: { email, password: 'x' } });
    for (let i = 0; i < 5; i += 1) expect((await ask()).status).toBe(401);
    const told = await ask();
    expect([told.status, told.detail()]).toEqual([429, 'IGW_ERR_TOO_MANY_ATTEMPTS']);
    expect(told.headers.get('retry-after')).not.toBeNull();
  });

  it('[X-RL-03] two replicas share one count through Redis', async () => {
    const settings = { REDIS_URL: testEnvironment().REDIS_URL, PLAN_LIMIT_ENTERPRISE: '40', JWT_ISSUER: randomId() };
    const [one, two] = [await start(settings), await start(settings)];
    const id = randomId();
    // The key's id is the same in both databases; one of its own keeps other runs apart.
    const { sql } = await import('@lead-flood/postgres');
    for (const gateway of [one, two]) await gateway.database.query(sql.unsafe`update api_keys set id = ${id}`);
    const answers = [];
    for (let i = 0; i < 60; i += 1)
      answers.push((await (i % 2 === 0 ? one : two).ask('/v1/auth/me', { token: one.seeded.apiKey })).status);
    expect(answers.filter((status) => status === 200)).toHaveLength(40);
  });

  it('[X-RL-03] with Redis away requests pass, and the limit holds on the replica alone', async () => {
    const gateway = await start({ REDIS_URL: 'redis://127.0.0.1:1', PLAN_LIMIT_ENTERPRISE: '3' });
    const statuses = [];
    for (let i = 0; i < 5; i += 1)
      statuses.push((await gateway.ask('/v1/auth/me', { token: gateway.seeded.apiKey })).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect((await gateway.ask('/ready')).status).toBe(200);
    const ready = await gateway.ask('/api/v1/system/ready');
    expect([ready.status, ready.json()['db']]).toEqual([500, 'ok']);
  });
});
