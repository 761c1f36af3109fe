/** Doors: the envelope of every error, ids, limits. A server of two routes stands for all of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApiError, defineRoutes, errorBody } from '@lead-flood/contracts';
import type { Handlers } from '@lead-flood/contracts';
import type { HttpServer } from '@lead-flood/service';
import {
  addHealth,
  addRoutes,
  createHttpServer,
  createLog,
  createMetrics,
  noTracing,
  nobody,
} from '@lead-flood/service';
import type { Check } from '@lead-flood/service';
import { CodedError, TransientError } from '@lead-flood/kernel';

const routes = defineRoutes('scoring', {
  createThing: {
    method: 'POST',
    path: '/v1/things',
    summary: '',
    permission: 'public',
    body: z.strictObject({ name: z.string(), count: z.int().optional() }),
    answer: z.looseObject({}),
    status: 201,
    errors: [],
    rows: [],
  },
  getThing: {
    method: 'GET',
    path: '/v1/things/:id',
    summary: '',
    permission: 'public',
    params: z.strictObject({ id: z.uuid() }),
    query: z.strictObject({ limit: z.coerce.number().optional() }),
    answer: z.looseObject({}),
    status: 200,
    errors: [],
    rows: [],
  },
});

const notes = defineRoutes('scoring', {
  createNote: {
    method: 'POST',
    path: '/v1/notes/:name',
    summary: '',
    permission: 'public',
    params: z.strictObject({ name: z.string() }),
    query: z.strictObject({ q: z.string().optional() }),
    body: z.strictObject({
      texts: z.array(z.string()).optional(),
      byName: z.record(z.string(), z.unknown()).optional(),
    }),
    answer: z.looseObject({}),
    status: 201,
    errors: [],
    rows: [],
  },
});
const JSON_TYPE = { 'content-type': 'application/json' };

let server: HttpServer;
let url: string;
let fail: Error | null = null;
const seen: { requestId: string; correlationId: string; idempotencyKey: string | null }[] = [];
const checks: Check[] = [];

beforeAll(async () => {
  const log = createLog('test', { LOG_LEVEL: 'silent', APP_ENV: 'test' });
  server = createHttpServer({
    log,
    metrics: createMetrics('test', log, noTracing),
    tracing: noTracing,
    codes: { TST_ERR_EXISTS: 'lead_exists' },
  });
  addHealth(server, checks);
  const handlers: Handlers<typeof routes> = {
    createThing: ({ body, requestId, correlationId, idempotencyKey }) => {
      if (fail !== null) return Promise.reject(fail);
      seen.push({ requestId, correlationId, idempotencyKey });
      return Promise.resolve({ ...body });
    },
    getThing: ({ params }) => Promise.resolve({ ...params }),
  };
  addRoutes(server, routes, handlers, () => Promise.resolve(nobody));
  addRoutes(server, notes, { createNote: () => Promise.resolve({}) }, () => Promise.resolve(nobody));
  url = await server.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => server.close());

it.each(['/v1/%ZZ', '/v1/things/%E0%A4', '/%'])(
  'a malformed URL is answered like any other mistake: %s',
  async (path) => {
    const response = await fetch(url + path, {
      headers: { 'x-request-id': 'request-1', 'x-correlation-id': 'chain-1' },
    });
    expect(response.status).toBe(400);
    expect(errorBody.parse(await response.json()).error).toEqual({
      code: 'invalid_payload',
      message: 'the URL is malformed',
      requestId: 'request-1',
    });
    expect([response.headers.get('x-request-id'), response.headers.get('x-correlation-id')]).toEqual([
      'request-1',
      'chain-1',
    ]);
  },
);

async function post(
  body: string,
  headers: Record<string, string> = { 'content-type': 'application/json' },
  path = '/v1/things',
) {
  const response = await fetch(url + path, { method: 'POST', body, headers });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as {
      error: { code: string; details?: { issues?: { path: string }[] } & Record<string, unknown>; message: string };
    },
  };
}

const failWith = async (error: Error) => {
  fail = error;
  try {
    return await post('{"name":"a"}');
  } finally {
    fail = null;
  }
};

describe('an error', () => {
  it.each<[string, string, Record<string, string>, number, string]>([
    ['broken JSON', '{"name":', { 'content-type': 'application/json' }, 400, 'invalid_payload'],
    ['an empty body', '', { 'content-type': 'application/json' }, 400, 'invalid_payload'],
    ['a JSON text', '"name"', { 'content-type': 'application/json' }, 400, 'invalid_payload'],
    ['a wrong type', '{"name":1}', { 'content-type': 'application/json' }, 400, 'invalid_payload'],
    ['an unknown key', '{"name":"a","role":"admin"}', { 'content-type': 'application/json' }, 400, 'invalid_payload'],
    [
      '__proto__',
      '{"name":"a","__proto__":{"admin":true}}',
      { 'content-type': 'application/json' },
      400,
      'invalid_payload',
    ],
    [
      'constructor.prototype',
      '{"name":"a","constructor":{"prototype":{"admin":true}}}',
      { 'content-type': 'application/json' },
      400,
      'invalid_payload',
    ],
    ['text/plain', '{"name":"a"}', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    [
      'text/plain; application/json',
      '{"name":"a"}',
      { 'content-type': 'text/plain; application/json' },
      415,
      'unsupported_media_type',
    ],
    ['a form', 'name=a', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'unsupported_media_type'],
    [
      'two megabytes',
      JSON.stringify({ name: 'x'.repeat(2_000_000) }),
      { 'content-type': 'application/json' },
      413,
      'payload_too_large',
    ],
  ])('for %s has the envelope and a code', async (_what, body, headers, status, code) => {
    const answer = await post(body, headers);
    expect(answer.status).toBe(status);
    expect(errorBody.parse(answer.body).error.code).toBe(code);
  });

  it('names every wrong field at once', async () => {
    const { body } = await post('{"name":1,"count":"many"}');
    expect(body.error.details?.issues?.map((issue) => issue.path)).toEqual(['body.name', 'body.count']);
  });

  it('for an unknown route, a wrong method, parameter or query has the envelope too', async () => {
    for (const [path, method, status] of [
      ['/nowhere?secret=1', 'GET', 404],
      ['/v1/things', 'DELETE', 404],
      ['/v1/things/1', 'GET', 400],
      ['/v1/things/5f0c1a1e-7d6b-4a51-9d8e-0a1b2c3d4e5f?x=1', 'GET', 400],
    ] as const) {
      const response = await fetch(url + path, { method });
      expect(response.status).toBe(status);
      expect(JSON.stringify(errorBody.parse(await response.json()))).not.toContain('secret');
    }
  });

  it('that a decision gave has its own code in the details', async () => {
    expect(
      await failWith(new CodedError('TST_ERR_EXISTS', 'there is one', { details: { leadId: 'l-1' } })),
    ).toMatchObject({
      status: 409,
      body: {
        error: { code: 'lead_exists', message: 'there is one', details: { code: 'TST_ERR_EXISTS', leadId: 'l-1' } },
      },
    });
    expect(await failWith(new ApiError('insufficient_credits', 'none left'))).toMatchObject({ status: 402 });
  });

  it('whose code no table knows is ours: 500, with nothing but the request id', async () => {
    const answer = await failWith(new CodedError('PRC_ERR_HANDLER_FAULT', 'TypeError at (lead.ts:12:3)'));
    expect(answer).toMatchObject({
      status: 500,
      body: { error: { code: 'internal_error', requestId: expect.stringMatching(/./) } },
    });
    expect(JSON.stringify(answer.body)).not.toMatch(/lead\.ts|HANDLER_FAULT/);
  });

  it('that may pass is 503 with the time of another try', async () => {
    const answer = await failWith(new TransientError('PGS_ERR_UNAVAILABLE', 'connection to 10.0.0.7 lost'));
    expect(answer).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(JSON.stringify(answer.body)).not.toContain('10.0.0.7');
  });

  it('of our own making says nothing of its cause', async () => {
    const answer = await failWith(new Error('duplicate key (email)=(canary@aurora.se.example)'));
    expect(answer).toMatchObject({ status: 500, body: { error: { code: 'internal_error' } } });
    expect(JSON.stringify(answer.body)).not.toMatch(/canary|stack|at /);
  });
});

describe('a request', () => {
  it('has the ids that its caller gave, and hears them back', async () => {
    const { headers } = await post('{"name":"a"}', {
      'content-type': 'application/json',
      'x-request-id': 'r-1',
      'x-correlation-id': 'c-1',
      'idempotency-key': 'k-1',
    });
    expect([headers.get('x-request-id'), headers.get('x-correlation-id')]).toEqual(['r-1', 'c-1']);
    expect(seen.at(-1)).toEqual({ requestId: 'r-1', correlationId: 'c-1', idempotencyKey: 'k-1' });
  });

  it('gets ids of ours where there are none, or what came is no id', async () => {
    const { headers } = await post('{"name":"a"}', {
      'content-type': 'application/json',
      'x-request-id': 'x'.repeat(200),
      'x-correlation-id': 'a b"c',
    });
    expect(headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
    expect(headers.get('x-correlation-id')).toBe(headers.get('x-request-id'));
  });
});

describe('readiness', () => {
  it('is 503 and says which part does not answer', async () => {
    checks.push(
      { name: 'db', run: () => undefined },
      { name: 'consumers', run: () => Promise.reject(Object.assign(new Error('x'), { code: 'halted' })) },
    );
    const response = await fetch(`${url}/ready`);
    expect([response.status, await response.json()]).toEqual([
      503,
      { status: 'not_ready', db: 'ok', checks: { db: 'ok', consumers: 'halted' } },
    ]);
    checks.pop();
    expect(await (await fetch(`${url}/ready`)).json()).toEqual({ status: 'ready', db: 'ok', checks: { db: 'ok' } });
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
  });
});

describe('what no column holds', () => {
  const post = async (body: string): Promise<{ status: number; paths: readonly string[] }> => {
    const response = await fetch(`${url}/v1/notes/one`, { method: 'POST', headers: JSON_TYPE, body });
    const { error } = (await response.json()) as { error?: { details?: { issues?: { path: string }[] } } };
    return { status: response.status, paths: error?.details?.issues?.map(({ path }) => path) ?? [] };
  };

  it.each([
    ['NUL', { texts: ['fine', 'a\0b'] }, 'body.texts.1'],
    ['half of a character', { texts: ['\ud800'] }, 'body.texts.0'],
    ['a name with NUL', { byName: { 'a\0': 'fine' } }, 'body.byName'],
    ['what a record holds', { byName: { deep: { deeper: '\0' } } }, 'body.byName.deep.deeper'],
  ])('%s is refused at the door by its path', async (_what, body, path) => {
    expect(await post(JSON.stringify(body))).toEqual({ status: 400, paths: [path] });
  });

  it('takes whole characters outside the first plane', async () => {
    expect((await post(JSON.stringify({ texts: ['🌊'] }))).status).toBe(201);
  });

  it('refuses what nests for thousands of levels without walking it', async () => {
    const deep = `{"byName":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`;
    expect(await post(deep)).toEqual({ status: 400, paths: ['body'] });
  });

  it('refuses it in a path and in a query too', async () => {
    expect((await fetch(`${url}/v1/notes/a%00`, { method: 'POST', body: '{}', headers: JSON_TYPE })).status).toBe(400);
    expect((await fetch(`${url}/v1/notes/a?q=%00`, { method: 'POST', body: '{}', headers: JSON_TYPE })).status).toBe(
      400,
    );
  });
});
