/** State, description and headers of the running gateway; and tables that must agree with each other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allRoutes } from '@lead-flood/contracts';
import { createDatabase, sql } from '@lead-flood/postgres';
import { eventually, testEnvironment } from '@lead-flood/testing';
import { z } from 'zod';
import { errorCodes } from '../src/errors.ts';
import { config } from '../src/config.ts';
import { seed } from '../src/seed.ts';
import type { Gateway } from './harness.ts';
import { startGateway } from './harness.ts';

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ CORS_ORIGINS: 'https://console.example', REDIS_URL: process.env['REDIS_URL'] ?? '' });
});
afterAll(() => gateway.stop());

describe('state', () => {
  it.each([
    ['GW-01', '/health'],
    ['GW-03', '/v1/system/health'],
    ['GW-03', '/api/v1/system/health'],
  ])('[%s] %s is ok', async (_row, path) => {
    expect((await gateway.ask(path)).json()).toEqual({ status: 'ok' });
  });

  it('[GW-02] /ready has the state of the database', async () => {
    expect((await gateway.ask('/ready')).json()).toMatchObject({ status: 'ready', db: 'ok' });
  });

  it('[GW-04] /api/v1/system/ready names every dependency', async () => {
    const told = await eventually('Redis to be connected', async () => {
      const one = await gateway.ask('/api/v1/system/ready');
      return one.status === 200 && one;
    });
    expect(told.json()).toMatchObject({ status: 'ready', checks: { db: 'ok', redis: 'ok' } });
  });

  it('[GW-02][GW-04] without the database: 503 on /ready, 500 on S3’s path, alive all the same, and back by itself', async () => {
    const own = await startGateway();
    const admin = await createDatabase({
      url: testEnvironment().DATABASE_URL,
      schema: 'public',
      applicationName: 'test-admin',
      connectionsMax: 1,
    });
    const name = await own.database.oneFirst(
      sql.type(z.object({ name: z.string() }))`select current_database() as name`,
    );
    const allow = (allowed: boolean) =>
      admin.query(
        sql.unsafe`alter database ${sql.identifier([name])} with allow_connections ${allowed ? sql.fragment`true` : sql.fragment`false`}`,
      );
    try {
      await allow(false);
      await admin.query(sql.unsafe`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`);
      const [alive, ready, s3] = await Promise.all(
        ['/health', '/ready', '/api/v1/system/ready'].map((path) => own.ask(path)),
      );
      expect([alive?.status, ready?.status, ready?.json()['db'], s3?.status, s3?.json()['db']]).toEqual([
        200,
        503,
        'fail',
        500,
        'fail',
      ]);
      await allow(true);
      await eventually('ready again', async () => (await own.ask('/ready')).status === 200);
    } finally {
      await allow(true);
      await admin.end();
      await own.stop();
    }
  });
});

describe('description', () => {
  it.each(['/openapi.json', '/v1/openapi.json', '/api/v1/openapi.json'])(
    '[GW-16] %s is OpenAPI 3.1 of every route and its alias',
    async (path) => {
      const told = await gateway.ask(path);
      const document = told.json() as { openapi: string; paths: Record<string, Record<string, unknown>> };
      expect(document.openapi).toBe('3.1.0');
      for (const route of Object.values(allRoutes)) {
        const template = route.path.replaceAll(/:(\w+)/g, '{$1}');
        expect(document.paths[template]).toHaveProperty(route.method.toLowerCase());
        if (template.startsWith('/v1/'))
          expect(document.paths[`/api${template}`]).toHaveProperty(route.method.toLowerCase());
      }
    },
  );

  it('[GW-16] /docs is a page of our own files, with a policy that lets only them run', async () => {
    const page = await gateway.ask('/docs');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js', 'start.js'])
      expect((await gateway.ask(`/docs/${file}`)).status).toBe(200);
    for (const file of ['..%2fpackage.json', 'index.html', 'x'])
      expect((await gateway.ask(`/docs/${file}`)).status).toBe(404);
  });

  it('/docs is absent in production', async () => {
    const own = await startGateway({ APP_ENV: 'production', AUTH_DEV_TOKEN_MINT: 'false' });
    try {
      for (const path of ['/docs', '/docs/start.js']) expect((await own.ask(path)).status).toBe(404);
      expect((await own.ask('/v1/auth/token', { json: { userId: 'x', role: 'admin' } })).status).toBe(401);
    } finally {
      await own.stop();
    }
  });
});

describe('headers', () => {
  it('[X-ER-05] answers carry what makes browsers careful', async () => {
    const { headers } = await gateway.ask('/health');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).not.toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
  });

  it('[X-ER-05] only listed origins may read answers', async () => {
    const from = (origin: string) =>
      gateway.ask('/v1/auth/me', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'GET' } });
    expect((await from('https://console.example')).headers.get('access-control-allow-origin')).toBe(
      'https://console.example',
    );
    expect((await from('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
  });

  it('[X-RL-03] every answer tells the limits, refused and unknown ones too', async () => {
    for (const path of ['/v1/system/health', '/v1/nothing', '/v1/auth/me', '/docs']) {
      const { headers } = await gateway.ask(path);
      for (const name of [
        'x-ratelimit-limit',
        'x-ratelimit-remaining',
        'x-ratelimit-reset',
        'x-request-id',
        'x-correlation-id',
      ])
        expect([path, name, headers.get(name)]).not.toContain(null);
    }
  });
});

describe('tables that agree', () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');

  it('the codes of errors.ts are those of README.md', () => {
    const listed = [...readme.matchAll(/\| `(IGW_ERR_[A-Z_]+)` +\| `(\w+)`/g)].map(([, code, api]) => [code, api]);
    expect(Object.fromEntries(listed)).toEqual(errorCodes);
  });

  it('the settings of config.ts are those of README.md', () => {
    for (const name of Object.keys(config.shape).filter((key) => key !== 'APP_ENV'))
      expect(readme).toContain(`\`${name}\``);
  });

  it('[X-AU-01] seeding again changes nothing', async () => {
    const before = await gateway.database.any(sql.unsafe`select * from users order by id`);
    expect(await seed(gateway.database)).toEqual(gateway.seeded);
    expect(await gateway.database.any(sql.unsafe`select * from users order by id`)).toEqual(before);
  });
});
