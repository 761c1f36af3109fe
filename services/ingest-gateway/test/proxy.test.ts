/** Doors of the other services through the gateway: who gets through, what arrives there, what comes back. */
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Route } from '@lead-flood/contracts';
import { allRoutes, roles } from '@lead-flood/contracts';
import { principalHeader } from '@lead-flood/service';
import { randomId } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { eventually } from '@lead-flood/testing';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Gateway } from './harness.ts';
import { startGateway } from './harness.ts';

let gateway: Gateway;
let admin: string;
let usual: Gateway['upstream']['react'];
beforeAll(async () => {
  gateway = await startGateway();
  admin = await gateway.mint('admin', 'user-1');
  usual = gateway.upstream.react;
});
afterEach(() => {
  gateway.upstream.react = usual;
  gateway.upstream.asked.length = 0;
});
afterAll(() => gateway.stop());

const lead = { email: 'zoe@aurora.se.example' };
const post = (headers: Record<string, string> = {}, json: unknown = lead) =>
  gateway.ask('/v1/leads', { token: admin, json, headers });

describe('what is live', () => {
  it('[X-RB-04] is what the policy table and the description list, and nothing else', () => {
    const live = gateway.routes.filter((route) => !route.startsWith('HEAD ') && !route.startsWith('OPTIONS '));
    const listed = Object.values(allRoutes).map(({ method, path }) => `${method} ${path}`);
    expect(live.toSorted()).toEqual(listed.toSorted());
  });

  it.each(Object.entries(allRoutes).filter(([, { permission }]) => permission !== 'public'))(
    '[GW-37] %s without a credential is 401 and reaches nobody',
    async (_name, { method, path }) => {
      const told = await gateway.ask(path.replaceAll(/:\w+/g, randomId()), {
        method,
        ...(method === 'GET' || method === 'DELETE' ? {} : { json: {} }),
      });
      expect([told.status, gateway.upstream.asked.length]).toEqual([401, 0]);
    },
  );

  it.each(roles)('[X-RB-04] %s reaches exactly its routes', async (role) => {
    const token = await gateway.mint(role);
    const { permissionsOf } = await import('@lead-flood/contracts');
    for (const { method, path, permission, service } of Object.values<Route>(allRoutes)) {
      if (service === 'ingest-gateway' || permission === 'public') continue;
      const told = await gateway.ask(path.replaceAll(/:\w+/g, randomId()), {
        method,
        token,
        ...(method === 'GET' || method === 'DELETE' ? {} : { json: {} }),
      });
      expect([`${method} ${path}`, told.status]).toEqual([
        `${method} ${path}`,
        permissionsOf[role].has(permission) ? 200 : 403,
      ]);
    }
  });
});

describe('forwarding', () => {
  it('[GW-05] hands on body, query, ids and a signed principal, byte for byte', async () => {
    const body = '{ "email":"zoe@aurora.se.example",\n "firstName":"Zoë" }';
    const told = await gateway.ask('/api/v1/leads?x=%2F&y=1', {
      token: admin,
      body,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'x-request-id': 'req-1',
        'x-correlation-id': 'chain-1',
        'idempotency-key': randomId(),
      },
    });
    expect(told.status).toBe(200);
    const [asked] = gateway.upstream.asked;
    expect(asked).toMatchObject({
      method: 'POST',
      path: '/v1/leads?x=%2F&y=1',
      body,
      principal: { userId: 'user-1', role: 'admin', orgId: gateway.seeded.orgId },
    });
    expect(asked?.headers).toMatchObject({ 'x-request-id': 'req-1', 'x-correlation-id': 'chain-1' });
    expect([told.headers.get('x-request-id'), told.headers.get('x-correlation-id')]).toEqual(['req-1', 'chain-1']);
  });

  it('[X-ER-03][X-ER-04] makes ids where none came, and refuses unfit ones', async () => {
    const told = await post({ 'x-request-id': 'a b\u00e9'.replace('\u00e9', '!') });
    expect(told.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(told.headers.get('x-correlation-id')).toBe(told.headers.get('x-request-id'));
  });

  it('[GW-37] drops identity that a client claims', async () => {
    await post({
      [principalHeader]: 'forged',
      'x-org-id': 'other',
      'x-tenant-id': 'other',
      'x-user-id': 'other',
      forwarded: 'for=1.2.3.4',
      traceparent: '00-00000000000000000000000000000001-0000000000000001-01',
    });
    const [asked] = gateway.upstream.asked;
    expect(asked?.principal?.orgId).toBe(gateway.seeded.orgId);
    for (const name of ['x-org-id', 'x-tenant-id', 'x-user-id', 'forwarded', 'authorization', 'cookie', 'traceparent'])
      expect(asked?.headers).not.toHaveProperty(name);
  });

  it.each([
    '/v1//leads',
    '/v1/leads/',
    '/V1/leads',
    '/v1/internal/leads',
    '/internal/leads/x',
    '/api/internal/jobs/x/progress',
    '/v1/icps/../leads',
    '/v1/icps/%2e%2e/%2e%2e/internal',
    '/v1/leads%00',
    '/api/api/v1/leads',
  ])('the path %s reaches nothing internal', async (path) => {
    const { hostname, port } = new URL(gateway.url);
    const status = await rawStatus(
      hostname,
      Number(port),
      `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${admin}\r\nConnection: close\r\n\r\n`,
    );
    expect([404, 400]).toContain(status);
    expect(gateway.upstream.asked).toHaveLength(0);
  });

  it('a parameter never adds a segment', async () => {
    await gateway.ask('/v1/icps/%2e%2e%2f%2e%2e%2finternal%2fleads', { token: admin });
    expect(gateway.upstream.asked.map(({ path }) => path)).toEqual(['/v1/icps/..%2F..%2Finternal%2Fleads']);
  });

  it('refuses two lengths and a length with chunks', async () => {
    const { hostname, port } = new URL(gateway.url);
    const status = await rawStatus(
      hostname,
      Number(port),
      `POST /v1/leads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${admin}\r\nContent-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    );
    expect(status).toBe(400);
  });

  it('[GW-06] relays the owner’s refusal as it is', async () => {
    gateway.upstream.react = () => ({
      status: 409,
      body: { error: { code: 'lead_exists', message: 'known', requestId: 'r' } },
    });
    const told = await post();
    expect([told.status, told.code()]).toEqual([409, 'lead_exists']);
  });
});

describe('bodies', () => {
  it('[GW-36] 2 MB are 413', async () => {
    const told = await post({}, { email: 'x'.repeat(2_000_000) });
    expect([told.status, told.code()]).toEqual([413, 'payload_too_large']);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'application/json-patch',
    'text/plain; application/json',
    'application/json,text/plain',
  ])('content type %s is refused and not forwarded', async (type) => {
    const told = await gateway.ask('/v1/leads', {
      token: admin,
      body: JSON.stringify(lead),
      headers: { 'content-type': type },
    });
    expect([415, 400]).toContain(told.status);
    expect(gateway.upstream.asked).toHaveLength(0);
  });

  it('[X-ER-01] text/plain is 415, broken JSON 400, in the envelope', async () => {
    const text = await gateway.ask('/v1/leads', {
      token: admin,
      body: '{}',
      headers: { 'content-type': 'text/plain' },
    });
    expect([text.status, text.code()]).toEqual([415, 'unsupported_media_type']);
    const broken = await gateway.ask('/v1/leads', {
      token: admin,
      body: '{"email":',
      headers: { 'content-type': 'application/json' },
    });
    expect([broken.status, broken.code()]).toEqual([400, 'invalid_payload']);
    expect(Object.keys(broken.json()['error'] as object)).toEqual(
      expect.arrayContaining(['code', 'message', 'requestId']),
    );
  });

  it('[X-ER-02] an unknown path is 404 in the envelope', async () => {
    const told = await gateway.ask('/v1/nothing', { token: admin });
    expect([told.status, told.code()]).toEqual([404, 'not_found']);
  });
});

describe('upstream away', () => {
  it('[GW-06] no connection is 503 with Retry-After', async () => {
    const own = await startGateway({ DISCOVERY_URL: 'http://127.0.0.1:1' });
    try {
      const told = await own.ask('/v1/leads', { token: await own.mint('admin'), json: lead });
      expect([told.status, told.code(), told.headers.get('retry-after')]).toEqual([503, 'unavailable', '1']);
    } finally {
      await own.stop();
    }
  });

  it('no answer in time, a cut answer, and no address are 503', async () => {
    const silent = createServer((request, response) => {
      if (request.url?.startsWith('/v1/icps') === true)
        response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy());
    });
    await new Promise<void>((resolve) => {
      silent.listen(0, '127.0.0.1', resolve);
    });
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const own = await startGateway({
      DISCOVERY_URL: url,
      ANALYTICS_URL: '',
      UPSTREAM_TIMEOUT_MS: '300',
      UPSTREAM_SOCKETS_MAX: '2',
    });
    try {
      const token = await own.mint('admin');
      for (const path of ['/v1/icps', '/v1/analytics/funnel'])
        expect([path, (await own.ask(path, { token })).status]).toEqual([path, 503]);
      expect((await own.ask('/v1/leads', { token, json: lead })).status).toBe(503);
      // More than there are sockets: those who wait for one get their answer in time as well.
      const began = Date.now();
      const crowd = await Promise.all(Array.from({ length: 20 }, () => own.ask('/v1/leads', { token, json: lead })));
      expect(crowd.every(({ status }) => status === 503)).toBe(true);
      expect(Date.now() - began).toBeLessThan(2_000);
    } finally {
      await own.stop();
      silent.closeAllConnections();
      silent.close();
    }
  });
});

describe('read your own write', () => {
  it('[GW-08] /v1/leads/:id comes from the owner while the read model lags', async () => {
    const id = randomId();
    gateway.upstream.react = ({ path }) =>
      path.startsWith('/internal/') ? { status: 200, body: { id } } : { status: 404, body: { error: {} } };
    const told = await gateway.ask(`/v1/leads/${id}`, { token: admin });
    expect([told.status, told.json()['id']]).toEqual([200, id]);
    expect(gateway.upstream.asked.map(({ path }) => path)).toEqual([`/v1/leads/${id}`, `/internal/leads/${id}`]);
  });

  it('[GW-08] unknown everywhere is 404, and an id that is none is 400', async () => {
    gateway.upstream.react = () => ({
      status: 404,
      body: { error: { code: 'not_found', message: 'no', requestId: 'r' } },
    });
    expect((await gateway.ask(`/v1/leads/${randomId()}`, { token: admin })).status).toBe(404);
    expect((await gateway.ask('/v1/leads/nonsense', { token: admin })).status).toBe(400);
  });
});

describe('Idempotency-Key', () => {
  it('[X-ID-01] repeats the first answer and asks the owner once', async () => {
    const key = randomId();
    let n = 0;
    gateway.upstream.react = () => ({ status: 201, body: { n: (n += 1) } });
    const [first, second] = [await post({ 'idempotency-key': key }), await post({ 'idempotency-key': key })];
    expect([first.status, first.text, first.headers.get('idempotency-replayed')]).toEqual([201, '{"n":1}', null]);
    expect([second.status, second.text, second.headers.get('idempotency-replayed')]).toEqual([201, '{"n":1}', 'true']);
  });

  it('[X-ID-01] repeats a refusal too', async () => {
    const key = randomId();
    gateway.upstream.react = () => ({
      status: 409,
      body: { error: { code: 'lead_exists', message: 'known', requestId: 'r' } },
    });
    await post({ 'idempotency-key': key });
    const again = await post({ 'idempotency-key': key });
    expect([again.status, gateway.upstream.asked.length]).toEqual([409, 1]);
  });

  it('[X-ID-01] another body is 422', async () => {
    const key = randomId();
    await post({ 'idempotency-key': key });
    const told = await post({ 'idempotency-key': key }, { email: 'other@aurora.se.example' });
    expect([told.status, told.code()]).toEqual([422, 'idempotency_mismatch']);
  });

  it('[X-ID-01] while the first is under way it is 409', async () => {
    const key = randomId();
    const gate = Promise.withResolvers<undefined>();
    gateway.upstream.react = async () => {
      await gate.promise;
      return { status: 201, body: {} };
    };
    const first = post({ 'idempotency-key': key });
    await eventually('the first to be under way', () => gateway.upstream.asked.length === 1);
    const second = await post({ 'idempotency-key': key });
    gate.resolve(undefined);
    expect([second.status, second.code(), (await first).status]).toEqual([409, 'idempotency_conflict', 201]);
  });

  it('[X-ID-01] of twenty at once one does the work', async () => {
    const key = randomId();
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await post({ 'idempotency-key': key })).status),
    );
    expect(gateway.upstream.asked).toHaveLength(1);
    expect(statuses.every((status) => status === 200 || status === 409)).toBe(true);
  });

  it('[X-ID-01] a fault of ours is not kept: the same key may try again', async () => {
    const key = randomId();
    gateway.upstream.react = () => ({ status: 503, body: {}, headers: { 'retry-after': '7' } });
    const failed = await post({ 'idempotency-key': key });
    expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '7']);
    gateway.upstream.react = usual;
    expect((await post({ 'idempotency-key': key })).status).toBe(200);
  });

  it('[X-ID-01] after a crash the key is taken over when its holder is a minute old, not before', async () => {
    const key = randomId();
    const age = (age: string) =>
      gateway.database.query(sql.unsafe`
      update idempotency_keys set state = 'in_progress', status = null, answer = null, claimed_at = now() - ${age}::interval where key = ${key}
    `);
    await post({ 'idempotency-key': key });
    await age('50 seconds');
    expect((await post({ 'idempotency-key': key })).status).toBe(409);
    await age('61 seconds');
    expect((await post({ 'idempotency-key': key })).status).toBe(200);
    await gateway.database.query(
      sql.unsafe`update idempotency_keys set claimed_at = now() - interval '25 hours' where key = ${key}`,
    );
    expect((await post({ 'idempotency-key': key }, { email: 'new@aurora.se.example' })).status).toBe(200);
  });

  it('[X-ID-01] keys of other routes and organisations are other keys; an unfit one is 400', async () => {
    const key = randomId();
    await post({ 'idempotency-key': key });
    expect(
      (
        await gateway.ask('/v1/icps', { token: admin, json: { name: 'x' }, headers: { 'idempotency-key': key } })
      ).headers.get('idempotency-replayed'),
    ).toBeNull();
    await gateway.database.query(sql.unsafe`update idempotency_keys set org_id = gen_random_uuid() where key = ${key}`);
    expect((await post({ 'idempotency-key': key })).headers.get('idempotency-replayed')).toBeNull();
    expect((await post({ 'idempotency-key': 'a b' })).detail()).toBe('IGW_ERR_BAD_IDEMPOTENCY_KEY');
  });
});

function rawStatus(host: string, port: number, text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1];
      if (status === undefined) return;
      socket.destroy();
      resolve(Number(status));
    });
    socket.on('error', reject);
  });
}
