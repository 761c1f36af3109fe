/** The description of the doors, generated from their contracts; and what every contract must have. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { Route } from '../src/index.ts';
import { allRoutes, apiErrorStatus, defineRoutes, joinRoutes, openApi, permissions } from '../src/index.ts';

const document = openApi(allRoutes, { version: '1', server: '/' });
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

describe('OpenAPI document', () => {
  it('[GW-16] has every route, and every /v1 route under its alias', () => {
    const canonical = Object.values(allRoutes).length;
    const aliased = Object.values(allRoutes).filter(({ path }) => path.startsWith('/v1/')).length;
    expect(operations).toHaveLength(canonical + aliased);
  });

  it('[GW-16] names every operation once', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('[GW-16] is plain JSON of dialect 2020-12 without undefined values', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
    expect(JSON.stringify(document)).not.toContain('$schema');
  });

  it.each(operations)('[GW-16] $method $path describes its parameters, security and answers', ({ path, operation }) => {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const described = (operation.parameters as { in: string; name: string }[])
      .filter((parameter) => parameter.in === 'path')
      .map(({ name }) => name);
    expect(described).toEqual(inPath);
    expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true);
    expect(operation.responses).toHaveProperty('429');
    if (operation.security.length > 0) expect(operation.responses).toHaveProperty('401');
  });

  it('[GW-34] says that an upload is a form with one file', () => {
    expect(document.paths['/v1/uploads/leads']?.['post']?.['requestBody']).toMatchObject({
      content: { 'multipart/form-data': { schema: { required: ['file'] } } },
    });
  });

  it('[X-ID-01] tells of Idempotency-Key on every POST that needs a credential', () => {
    for (const { path, method, operation } of operations) {
      const has = (operation.parameters as { name: string }[]).some(({ name }) => name === 'Idempotency-Key');
      expect([path, method, has]).toEqual([path, method, method === 'post' && operation.security.length > 0]);
    }
  });

  it('optional query fields are not required, path fields are', () => {
    const list = document.paths['/v1/leads']?.['get']?.parameters as { name: string; required: boolean }[];
    expect(list.every(({ required }) => !required)).toBe(true);
    expect(document.paths['/v1/leads/{leadId}']?.['get']?.parameters).toMatchObject([
      { name: 'leadId', in: 'path', required: true, schema: { format: 'uuid' } },
    ]);
  });

  it('[GW-05] the body of POST /v1/leads refuses unknown fields', () => {
    expect(document.paths['/v1/leads']?.['post']).toMatchObject({
      requestBody: { required: true, content: { 'application/json': { schema: { additionalProperties: false } } } },
    });
  });
});

describe('routes', () => {
  const routes = Object.entries<Route>(allRoutes);

  const route = (path: `/${string}`) =>
    ({
      method: 'GET',
      path,
      summary: '',
      permission: 'self',
      answer: z.strictObject({}),
      status: 200,
      errors: [],
      rows: [],
    }) as const;

  it('refuses two of one name', () => {
    const one = defineRoutes('discovery', { getThing: route('/v1/things') });
    const other = defineRoutes('scoring', { getThing: route('/v1/others') });
    expect(() => joinRoutes(one, other)).toThrow('two routes are called getThing');
  });

  it('refuses two of one method and path, however their parameters are called', () => {
    const one = defineRoutes('discovery', { getThing: route('/v1/things/:thingId') });
    const other = defineRoutes('scoring', { getOther: route('/v1/things/:id') });
    expect(() => joinRoutes(one, other)).toThrow('getThing and getOther are both GET /v1/things/:');
  });

  it('keep their literal types when they are joined', () => {
    expectTypeOf(allRoutes.getLead.path).toEqualTypeOf<'/v1/leads/:leadId'>();
    expectTypeOf(allRoutes.createIcp.service).toEqualTypeOf<'discovery'>();
    expect(allRoutes.createIcp.service).toBe('discovery');
  });

  it.each(routes)('%s has a known permission, known errors, parameters for its path, and rows', (_name, route) => {
    expect([...permissions, 'public']).toContain(route.permission);
    for (const code of route.errors) expect(apiErrorStatus).toHaveProperty(code);
    expect(Object.keys(route.params?.shape ?? {})).toEqual([...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name));
    expect(route.rows.length).toBeGreaterThan(0);
  });

  it('[X-AU-12] nothing is public but doors of the gateway that check by themselves', () => {
    const open = routes.filter(([, { permission }]) => permission === 'public');
    expect(open.every(([, { service }]) => service === 'ingest-gateway')).toBe(true);
    expect(open.map(([, { path }]) => path).toSorted()).toEqual([
      '/docs',
      '/docs/:file',
      '/openapi.json',
      '/v1/auth/login',
      '/v1/auth/refresh',
      '/v1/auth/token',
      '/v1/openapi.json',
      '/v1/system/health',
      '/v1/system/ready',
      '/webhooks/mail',
      '/webhooks/yay',
    ]);
  });
});
