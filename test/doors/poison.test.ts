/**
 * Every field of every route is given what no column can hold or what our own code would not write so: the client is told,
 * nobody else notices.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allRoutes } from '@lead-flood/contracts';
import { randomId } from '@lead-flood/kernel';
import { eventually } from '@lead-flood/testing';
import { openDoors } from './open-doors.ts';
import type { Doors } from './open-doors.ts';
import { poisoned } from './poison.ts';

let doors: Doors;
const ids: Record<string, string> = {};
beforeAll(async () => {
  doors = await openDoors({ IP_LIMIT: '1000000', RATE_LIMIT_RPM: '1000000' });
  const icp = { json: { name: 'For the sweep' } };
  ids['icpId'] = (await doors.ask<{ id: string }>('/v1/icps', icp)).body.id;
  const caller = {
    email: 'sweep.caller@aurora.se.example',
    name: 'Sweep',
    timezone: 'Europe/Stockholm',
    languageCodes: ['en'],
    regionIsoCodes: ['SE'],
  };
  ids['callerId'] = (await doors.ask<{ id: string }>('/v1/callers', { json: caller })).body.id;
  const lead = { email: 'sweep.known@aurora.se.example', externalId: 'sweep', source: 'sweep' };
  Object.assign(ids, (await doors.ask<{ leadId: string; jobId: string }>('/v1/leads', { json: lead })).body);
});
afterAll(() => doors.close());

// Its one field is no text; it would end the session that asks.
const routes = Object.entries(allRoutes).filter(([name]) => name !== 'logout');

describe('a poisoned field', () => {
  it.each(routes)('of %s is no fault of ours', async (_name, route) => {
    const faults: string[] = [];
    for (const { what, path, body } of poisoned(route, ids)) {
      const told = await doors.ask(path, {
        method: route.method,
        as: route.permission === 'call-tasks:work' ? doors.tokens.caller : doors.tokens.admin,
        ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
      });
      if (told.status >= 500) faults.push(`${what} -> ${told.status} ${told.text.slice(0, 200)}`);
    }
    expect(faults).toEqual([]);
  });

  it('leaves the leads of others alone: one by one and in a list they reach the read model', async () => {
    const as = doors.tokens.stranger;
    const lead = (n: number) => ({ email: `after${n}@elsewhere.example`, source: 'after', externalId: `after-${n}` });
    expect((await doors.ask('/v1/leads', { as, json: lead(0) })).status).toBe(201);
    expect((await doors.ask('/v1/leads/bulk', { as, json: [lead(1), lead(2), lead(3)] })).status).toBe(202);
    await eventually('four leads', async () => {
      const { body } = await doors.ask<{ items: unknown[] }>('/v1/leads?source=after', { as });
      return body.items.length === 4;
    });
  });
});

it('one person under an id in either spelling', async () => {
  const { leadId = '', icpId = '' } = ids;
  const told = await doors.ask<{ id: string }>(`/v1/leads/${leadId.toUpperCase()}`);
  expect([told.status, told.body.id]).toEqual([200, leadId]);
  const json = { email: 'capitals@aurora.se.example', source: 'capitals', icpId: icpId.toUpperCase() };
  expect((await doors.ask('/v1/leads', { json })).status).toBe(201);
  await eventually('the lead under its ICP', async () => {
    const path = `/v1/leads?source=capitals&icpId=${icpId.toUpperCase()}`;
    return (await doors.ask<{ items: unknown[] }>(path)).body.items.length === 1;
  });
});

it('an ICP has 200 rules at most', async () => {
  const rule = { fieldKey: 'hasPhone', operator: 'EXISTS', value: true, weight: 0.1, type: 'WEIGHTED' };
  const { body } = await doors.ask<{ id: string }>('/v1/icps', { json: { name: 'Of many rules' } });
  const add = () => doors.refusal(`/v1/icps/${body.id}/rules`, { json: rule });
  for (let n = 0; n < 200; n += 1) expect((await add()).status).toBe(201);
  expect(await add()).toMatchObject({ status: 409, code: 'conflict' });
});

it('an account whose id is none of ours is no caller', async () => {
  const as = await doors.mint('bob', 'caller');
  expect((await doors.ask('/v1/call-tasks/current', { as })).status).toBe(404);
  const outcome = { as, json: { outcome: 'RETRYABLE_REJECTION' } };
  expect((await doors.ask(`/v1/call-tasks/${randomId()}/outcome`, outcome)).status).toBe(404);
});
