/** Jobs from end to end: a worker tells, clients see, ask, and are heard by the worker. Real gateway, real broker. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobView } from '@lead-flood/contracts';
import { randomId } from '@lead-flood/kernel';
import { eventually } from '@lead-flood/testing';
import type { Doors } from './open-doors.ts';
import { openDoors, statusesByRole } from './open-doors.ts';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors.close());

type Told = { readonly items: readonly JobView[] };

/** What a worker says of itself; its versions grow. */
const told = (jobId: string, version: number, more: object = {}) => ({
  name: 'JobChanged' as const,
  version,
  data: {
    orgId: doors.product.seeds.orgId,
    jobId,
    type: 'discovery.run',
    status: 'running',
    leadId: null,
    error: null,
    owner: 'a-worker',
    total: 400,
    done: 0,
    refused: 0,
    attempts: 1,
    retryable: false,
    changedAt: Date.now(),
    ...more,
  },
});

const seen = (jobId: string, wanted: Partial<JobView>): Promise<JobView> =>
  eventually('the job to be as told', async () => {
    const { body } = await doors.ask<JobView>(`/v1/jobs/${jobId}`);
    return Object.entries(wanted).every(([name, value]) => body[name as keyof JobView] === value) && body;
  });

it('[GW-13] [GW-14] [C-04] a job is followed, cancelled by whoever may write, and ends when its worker says so', async () => {
  const jobId = randomId();
  await doors.publish(told(jobId, 1));
  await seen(jobId, { status: 'running' });
  await doors.publish(told(jobId, 2, { done: 120, refused: 3 }));
  await eventually('its progress', async () => {
    const { body } = await doors.ask<JobView>(`/v1/jobs/${jobId}`);
    return body.progress?.done === 120 && body.progress.total === 400;
  });
  const list = await doors.ask<Told>('/v1/jobs?status=running&type=discovery.run');
  expect(list.body.items.map(({ id }) => id)).toContain(jobId);

  expect(await statusesByRole(doors, `/v1/jobs/${jobId}/cancel`, { method: 'POST' })).toEqual({
    admin: 202,
    ops: 202,
    member: 202,
    viewer: 403,
    caller: 403,
  });
  expect((await doors.ask(`/v1/jobs/${jobId}/cancel`, { method: 'POST', as: doors.tokens.stranger })).status).toBe(404);
  await seen(jobId, { status: 'running', cancelRequested: true });
  await doors.publish(told(jobId, 3, { status: 'cancelled', done: 130 }));
  await seen(jobId, { status: 'cancelled', cancelRequested: false });
  expect((await doors.refusal(`/v1/jobs/${jobId}/cancel`, { method: 'POST' })).status).toBe(409);
});

it('[GW-14] one that failed is tried again by hand where that may help, and not otherwise', async () => {
  const [may, mayNot] = [randomId(), randomId()];
  await doors.publish(
    told(may, 1, { status: 'failed', error: 'no answer', retryable: true }),
    told(mayNot, 1, { status: 'failed', error: 'a bad query' }),
  );
  await seen(may, { status: 'failed', error: 'no answer' });
  await seen(mayNot, { status: 'failed' });
  expect((await doors.ask(`/v1/jobs/${may}/retry`, { method: 'POST' })).status).toBe(202);
  expect((await doors.refusal(`/v1/jobs/${mayNot}/retry`, { method: 'POST' })).status).toBe(409);
  await doors.publish(told(may, 2, { attempts: 2 }));
  await seen(may, { status: 'running', attempts: 2 });
});
