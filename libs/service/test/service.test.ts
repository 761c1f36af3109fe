/** A whole service in this process: what it says while it waits, when it is ready, and how it ends. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { errorBody } from '@lead-flood/contracts';
import { createLog, defineService, readConfig, sharedConfig, startService } from '@lead-flood/service';
import { sql } from '@lead-flood/postgres';
import { chooseGroups } from '../src/groups.ts';
import { createTestDatabase, eventually, testEnvironment } from '@lead-flood/testing';

const ended: string[] = [];
const definition = defineService({
  name: 'example',
  schema: 'example',
  migrations: join(import.meta.dirname, 'migrations'),
  config: z.object({ APP_ENV: sharedConfig.shape.APP_ENV }),
  writes: ['LeadScored'],
  errorCodes: {},
  build: (_deps, server) => {
    server.get('/slow', async () => {
      await slow.promise;
      return { done: true };
    });
    return { processors: [], stop: () => Promise.resolve(void ended.push('parts')) };
  },
});
let slow = Promise.withResolvers<undefined>();

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => void server.close(resolve));
  return port;
}

const settings = { ...testEnvironment(), PRINCIPAL_SECRET: 'x'.repeat(32), LOG_LEVEL: 'silent' };
const answer = async (port: number, path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return [
    response.status,
    response.headers.get('content-type')?.includes('json') === true ? await response.json() : await response.text(),
  ] as const;
};

describe('a service', () => {
  it('that waits for its registry is alive and not ready, says what it waits for, and goes on when it comes', async () => {
    const test = await createTestDatabase({ schema: 'example', migrations: definition.migrations });
    const registryPort = await freePort();
    const metricsPort = await freePort();
    const port = await freePort();
    const config = readConfig(sharedConfig, {
      ...settings,
      DATABASE_URL: test.url,
      METRICS_PORT: String(metricsPort),
      HTTP_PORT: String(port),
      SCHEMA_REGISTRY_URL: `http://127.0.0.1:${registryPort}`,
    });
    const starting = startService(definition, config, createLog('example', config), () => undefined);
    await eventually('the service to wait for the registry', async () => {
      // Refused until the port is open; the next look asks again.
      const told = await answer(metricsPort, '/ready').catch(() => null);
      return told !== null && JSON.stringify(told[1]).includes('waiting for registry');
    });
    expect(await answer(metricsPort, '/health')).toEqual([200, { status: 'ok' }]);
    expect(await answer(metricsPort, '/ready')).toMatchObject([
      503,
      { status: 'not_ready', db: 'ok', checks: { start: 'waiting for registry' } },
    ]);
    const early = await fetch(`http://127.0.0.1:${port}/slow`);
    expect([early.status, early.headers.get('retry-after')]).toEqual([503, '1']);
    expect(errorBody.parse(await early.json()).error).toMatchObject({ code: 'unavailable' });
    expect(await answer(port, '/health')).toEqual([200, { status: 'ok' }]);

    const { createServer: createHttp } = await import('node:http');
    const registry = createHttp((_request, response) => void response.end('{"id":1}'));
    await new Promise<void>((resolve) => void registry.listen(registryPort, '127.0.0.1', resolve));
    const service = await starting;
    expect(await answer(service.port, '/ready')).toEqual([
      200,
      { status: 'ready', db: 'ok', checks: { start: 'ok', db: 'ok', consumers: 'ok', kafka: 'ok', progress: 'ok' } },
    ]);
    const [status, metrics] = await answer(service.metricsPort, '/metrics');
    expect(status).toBe(200);
    expect(metrics).toContain('leadflood_http_request_seconds');
    await service.stop();
    registry.closeAllConnections();
    registry.close();
    await test.drop();
  });

  it('that is told to stop ends what is under way, then its parts, and lets go of port and database', async () => {
    const test = await createTestDatabase({ schema: 'example', migrations: definition.migrations });
    slow = Promise.withResolvers();
    ended.length = 0;
    const config = readConfig(sharedConfig, { ...settings, DATABASE_URL: test.url });
    const service = await startService(definition, config, createLog('example', config), () => undefined);
    const underWay = answer(service.port, '/slow').then((told) => {
      ended.push('request');
      return told;
    });
    await eventually('the request to be under way', async () => {
      const [, metrics] = await answer(service.metricsPort, '/metrics');
      return String(metrics).length > 0;
    });
    const stopping = service.stop();
    slow.resolve(undefined);
    expect(await underWay).toEqual([200, { done: true }]);
    await stopping;
    expect(ended).toEqual(['request', 'parts']);
    await expect(fetch(`http://127.0.0.1:${service.port}/health`)).rejects.toThrow();
    await expect(fetch(`http://127.0.0.1:${service.metricsPort}/health`)).rejects.toThrow();
    const open = await test.database.oneFirst(sql.type(z.object({ n: z.int() }))`
      select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name = 'example'
    `);
    expect(open).toBe(0);
    await test.drop();
  });

  const groupsStarted = async (GROUPS: string): Promise<readonly string[]> => {
    const started: string[] = [];
    const startable = (group: string) => ({
      group,
      start: () => {
        started.push(group);
        return Promise.resolve({
          lastSeenAt: Date.now,
          halted: () => null,
          failingSince: () => null,
          stop: () => Promise.resolve(),
        });
      },
    });
    const test = await createTestDatabase({ schema: 'example', migrations: definition.migrations });
    const config = readConfig(sharedConfig, { ...settings, DATABASE_URL: test.url, GROUPS });
    const withGroups = { ...definition, build: () => ({ processors: ['deciding', 'sending'].map(startable) }) };
    try {
      const service = await startService(withGroups, config, createLog('example', config), () => undefined);
      await service.stop();
      return started;
    } finally {
      await test.drop();
    }
  };

  it('runs all of its groups, or those that GROUPS names', async () => {
    expect(await groupsStarted('')).toEqual(['deciding', 'sending']);
    expect(await groupsStarted(' sending, ')).toEqual(['sending']);
    expect(await groupsStarted('none')).toEqual([]);
  });

  it('that is told to run a group it does not have refuses to start and names those it has', () => {
    const all = ['deciding', 'sending'].map((group) => ({ group, start: () => Promise.reject(new Error('never')) }));
    expect(() => chooseGroups(all, ['sending', 'mailing'])).toThrow(
      'GROUPS names mailing; this service has deciding, sending',
    );
  });
});
