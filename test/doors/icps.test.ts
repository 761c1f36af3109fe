/** The doors of ICPs, and what every list does with a cursor that it has not written. Real gateway, real owners. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IcpView, Route } from '@lead-flood/contracts';
import { allRoutes } from '@lead-flood/contracts';
import { randomId } from '@lead-flood/kernel';
import { eventually } from '@lead-flood/testing';
import { forgedCursors } from '../../libs/contracts/test/forged-cursors.ts';
import type { Ask, Doors } from './open-doors.ts';
import { issuesOf, openDoors, statusesByRole } from './open-doors.ts';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors.close());

const statusesOf = (path: string, ask: Ask): Promise<Record<string, number>> => statusesByRole(doors, path, ask);

describe('ICPs', () => {
  const body = {
    name: 'Nordic manufacturers',
    targetIndustries: ['machinery'],
    targetCountries: ['SE', 'NO'],
    minCompanySize: 50,
    maxCompanySize: 500,
    requiredTechnologies: ['sap'],
  };
  const createIcp = async (as = doors.tokens.member): Promise<IcpView> =>
    (await doors.ask<IcpView>('/v1/icps', { as, json: body })).body;

  it('[DI-02] are created with all their fields, and [DI-01] listed', async () => {
    const told = await doors.ask<IcpView>('/v1/icps', { as: doors.tokens.member, json: body });
    expect([told.status, told.body]).toMatchObject([201, { ...body, version: 1, id: expect.any(String) }]);
    const list = await doors.ask<readonly IcpView[]>('/v1/icps', { as: doors.tokens.viewer });
    expect([list.status, list.body]).toEqual([200, expect.arrayContaining([told.body])]);
  });

  it('[DI-01] [DI-02] [DI-03] are read by those who read, and written by those who write', async () => {
    const { id } = await createIcp();
    const reads = { admin: 200, ops: 200, member: 200, viewer: 200, caller: 403 };
    expect(await statusesOf('/v1/icps', {})).toEqual(reads);
    expect(await statusesOf('/v1/icps', { json: body })).toEqual({
      admin: 201,
      ops: 201,
      member: 201,
      viewer: 403,
      caller: 403,
    });
    expect(await statusesOf(`/v1/icps/${id}`, { method: 'PUT', json: body })).toEqual({ ...reads, viewer: 403 });
    for (const as of [doors.tokens.viewer, doors.tokens.caller])
      expect((await doors.ask(`/v1/icps/${id}`, { as, method: 'DELETE' })).status).toBe(403);
    expect((await doors.ask('/v1/icps', { as: null })).status).toBe(401);
  });

  it.each<[string, object, string]>([
    ['without a name', { targetCountries: ['SE'] }, 'body.name'],
    ['with a blank name', { name: '  ' }, 'body.name'],
    ['with a country by its name', { name: 'X', targetCountries: ['Sweden'] }, 'body.targetCountries.0'],
    ['with sizes the wrong way round', { name: 'X', minCompanySize: 9, maxCompanySize: 3 }, 'body.minCompanySize'],
    ['with a size below nothing', { name: 'X', minCompanySize: -1 }, 'body.minCompanySize'],
    ['with a field that is none', { name: 'X', budget: 5 }, 'body'],
  ])('[DI-02] [DI-03] %s are refused, when created and when changed', async (_what, json, path) => {
    const { id } = await createIcp();
    for (const told of [
      await doors.refusal('/v1/icps', { json }),
      await doors.refusal(`/v1/icps/${id}`, { method: 'PUT', json }),
    ]) {
      expect([told.status, told.code]).toEqual([400, 'invalid_payload']);
      expect(issuesOf(told.details)).toContain(path);
    }
  });

  it('[DI-03] are replaced as a whole under a new version, and gone once deleted', async () => {
    const { id } = await createIcp();
    const put = await doors.ask<IcpView>(`/v1/icps/${id}`, { method: 'PUT', json: { name: 'Smaller' } });
    expect(put.body).toMatchObject({ id, version: 2, name: 'Smaller', targetCountries: [], maxCompanySize: null });
    expect((await doors.ask<IcpView>(`/v1/icps/${id}`)).body).toEqual(put.body);
    const gone = await doors.ask(`/v1/icps/${id}`, { method: 'DELETE' });
    expect([gone.status, gone.body]).toEqual([200, { success: true }]);
    for (const ask of [{}, { method: 'DELETE' }, { method: 'PUT', json: body }])
      expect(await doors.refusal(`/v1/icps/${id}`, ask)).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('[DI-01] [DI-03] of another organisation are not there, and stay as they were', async () => {
    const mine = await createIcp();
    const as = doors.tokens.stranger;
    expect((await doors.ask('/v1/icps', { as })).body).toEqual([]);
    for (const ask of [{}, { method: 'DELETE' }, { method: 'PUT', json: { name: 'Taken' } }])
      expect((await doors.ask(`/v1/icps/${mine.id}`, { ...ask, as })).status).toBe(404);
    expect((await doors.ask(`/v1/icps/${mine.id}`)).body).toEqual(mine);
  });
});

describe('rules', () => {
  const rule = { fieldKey: 'companyEmployees', operator: 'GTE', value: 50, weight: 0.5, type: 'WEIGHTED' };
  const createIcp = async (): Promise<string> =>
    (await doors.ask<IcpView>('/v1/icps', { json: { name: 'X' } })).body.id;

  it('[SC-03] are added to an ICP as soon as it has been created, replaced, listed in order, and removed', async () => {
    const path = `/v1/icps/${await createIcp()}/rules`;
    const first = await doors.ask<{ id: string }>(path, { json: rule });
    const second = await doors.ask<{ id: string }>(path, { json: { ...rule, value: 500, description: 'large' } });
    expect([first.status, second.status]).toEqual([201, 201]);
    const put = await doors.ask(`${path}/${first.body.id}`, { method: 'PUT', json: { ...rule, weight: 0.1 } });
    expect([put.status, put.body]).toMatchObject([200, { id: first.body.id, weight: 0.1 }]);
    expect((await doors.ask(path)).body).toEqual({ items: [put.body, second.body], version: 3 });
    expect((await doors.ask(`${path}/${first.body.id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await doors.ask(path)).body).toEqual({ items: [second.body], version: 4 });
  });

  it('[SC-03] of an ICP that is not there, or is another organisation’s, are refused', async () => {
    const icpId = await createIcp();
    expect((await doors.ask(`/v1/icps/${icpId}/rules`, { json: rule })).status).toBe(201);
    for (const [id, as] of [
      [randomId(), doors.tokens.member],
      [icpId, doors.tokens.stranger],
    ] as const)
      expect(await doors.refusal(`/v1/icps/${id}/rules`, { json: rule, as })).toMatchObject({
        status: 404,
        code: 'not_found',
      });
    expect((await doors.ask(`/v1/icps/${icpId}/rules`, { as: doors.tokens.stranger })).body).toEqual({
      items: [],
      version: 0,
    });
  });

  it('[SC-03] end with their ICP', async () => {
    const icpId = await createIcp();
    await doors.ask(`/v1/icps/${icpId}/rules`, { json: rule });
    await doors.ask(`/v1/icps/${icpId}`, { method: 'DELETE' });
    await eventually('the rules to go', async () => {
      const { body } = await doors.ask<{ items: readonly unknown[] }>(`/v1/icps/${icpId}/rules`);
      return body.items.length === 0;
    });
    expect((await doors.ask(`/v1/icps/${icpId}/rules`, { json: rule })).status).toBe(404);
  });
});

describe('every list', () => {
  const lists = Object.values<Route>(allRoutes).filter(({ query }) => query !== undefined && 'cursor' in query.shape);
  /** A sample over all kinds; the contracts' own test throws all of them. */
  const thrown = forgedCursors.filter((_, i) => i < 40 || i % 7 === 0);

  it.each(lists.map(({ path }) => path))('%s answers 400 to a cursor that it has not written', async (path) => {
    const url = path.replaceAll(/:\w+/g, randomId());
    const wrong: unknown[] = [];
    for (const cursor of thrown) {
      const told = await doors.ask<{ error?: { details?: unknown } }>(`${url}?cursor=${encodeURIComponent(cursor)}`);
      const named = told.status === 400 && issuesOf(told.body.error?.details).includes('query.cursor');
      if (!named) wrong.push([told.status, cursor.slice(0, 80), told.text.slice(0, 200)]);
    }
    expect(wrong).toEqual([]);
  });
});
