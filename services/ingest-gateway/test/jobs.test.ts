/** Jobs: what is heard of those who work, what clients ask, and what the clock does. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { JobChanged, JobStatus } from '@lead-flood/contracts';
import { platformOrg, randomId } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { sampleId, sampleOrg, specify, testNow } from '@lead-flood/testing';
import type { Job, KnownJob } from '../src/jobs/domain.ts';
import { jobClock, jobProcessor } from '../src/jobs/processor.ts';
import { jobs, retryableJobs } from '../src/jobs/store.ts';
import type { Gateway } from './harness.ts';
import { csvForm, startGateway } from './harness.ts';

const orgId = sampleOrg;
const jobId = sampleId('job');
const known: KnownJob = {
  kind: 'job',
  type: 'discovery.run',
  status: 'running',
  leadId: null,
  error: null,
  owner: 'discovery-runs',
  total: null,
  done: 10,
  refused: 1,
  attempts: 1,
  retryable: false,
  isCancelRequested: false,
  createdAt: 1,
  updatedAt: 2,
};
const told: JobChanged = {
  orgId,
  jobId,
  type: 'discovery.run',
  status: 'running',
  leadId: null,
  error: null,
  owner: 'discovery-runs',
  total: null,
  done: 20,
  refused: 1,
  attempts: 1,
  retryable: false,
  changedAt: testNow,
};
const job = specify(jobProcessor, undefined);
const asked = { orgId, jobId, requestedBy: 'user-1' };

describe('what is heard', () => {
  it('[GW-13] a job is as far as its worker says, and as old as its first news', () => {
    job
      .given({ kind: 'none' })
      .when('JobChanged', told)
      .thenState({ kind: 'job', status: 'running', done: 20, createdAt: testNow });
    job.given(known).when('JobChanged', told).thenState({ done: 20, createdAt: 1, updatedAt: testNow });
  });

  it('a cancellation is remembered until the job has ended', () => {
    const cancelling = { ...known, isCancelRequested: true };
    job.given(cancelling).when('JobChanged', told).thenState({ isCancelRequested: true });
    job
      .given(cancelling)
      .when('JobChanged', { ...told, status: 'cancelled' })
      .thenState({ status: 'cancelled', isCancelRequested: false });
  });

  it('what was seen to be complete is not begun again by old news', () => {
    job
      .given({ ...known, status: 'completed' })
      .when('JobChanged', { ...told, status: 'queued' })
      .thenSkips('overtaken');
  });

  it('a status that there is not is refused', () => {
    job
      .given(known)
      .when('JobChanged', { ...told, status: 'asleep' })
      .thenRejects('IGW_ERR_UNKNOWN_JOB_STATUS');
  });
});

describe('what clients ask', () => {
  it('[GW-14] [C-04] an end is asked of the group that works on it, once', () => {
    job
      .given(known)
      .when('CancelJob', asked)
      .thenState({ status: 'running', isCancelRequested: true })
      .thenEmits({ name: 'JobCancelRequested', data: { jobId, owner: 'discovery-runs', requestedBy: 'user-1' } });
    job
      .given({ ...known, isCancelRequested: true })
      .when('CancelJob', asked)
      .thenSkips('requested');
  });

  it('[X-DL-04] one that failed and may be tried again is, by hand', () => {
    job
      .given({ ...known, status: 'failed', retryable: true })
      .when('RetryJob', asked)
      .thenEmits({ name: 'JobRetryRequested', data: { jobId, owner: 'discovery-runs' } });
  });

  it.each<[string, Job, 'CancelJob' | 'RetryJob', string]>([
    ['an unknown one', { kind: 'none' }, 'CancelJob', 'IGW_ERR_UNKNOWN_JOB'],
    ['an unknown one', { kind: 'none' }, 'RetryJob', 'IGW_ERR_UNKNOWN_JOB'],
    ['one that is complete', { ...known, status: 'completed' }, 'CancelJob', 'IGW_ERR_JOB_MOVE'],
    ['one whose owner hears nothing', { ...known, owner: '' }, 'CancelJob', 'IGW_ERR_JOB_MOVE'],
    ['one that runs', known, 'RetryJob', 'IGW_ERR_JOB_MOVE'],
    ['one that would fail again', { ...known, status: 'failed' }, 'RetryJob', 'IGW_ERR_JOB_MOVE'],
  ])('[GW-14] %s is not moved', (_what, state, command, code) => {
    job.given(state).when(command, asked).thenRejects(code);
  });
});

describe('the clock', () => {
  const tick = { orgId: platformOrg, tick: 'ingest-gateway.retry-jobs', period: 7, dueAt: testNow };

  it('[X-DL-04] [X-SC-04] asks once an hour for every job that may be tried again', () => {
    const failed = ['a', 'b'].map((name) => ({ orgId, jobId: sampleId(name), owner: 'discovery-runs' }));
    specify(jobClock, { failed })
      .givenInputs()
      .when('Ticked', tick)
      .thenEmits(
        { name: 'JobRetryRequested', data: { jobId: sampleId('a'), requestedBy: null } },
        { name: 'JobRetryRequested', data: { jobId: sampleId('b'), requestedBy: null } },
      );
  });

  it('hears its own ticks only', () => {
    specify(jobClock, { failed: [] })
      .givenInputs()
      .when('Ticked', { ...tick, tick: 'system.heartbeat' })
      .thenSkips('another_clock');
  });
});

describe('/v1/jobs', () => {
  let gateway: Gateway;
  let token: string;
  beforeAll(async () => {
    gateway = await startGateway();
    token = await gateway.mint('member', 'user-1');
  });
  afterEach(() => gateway.database.query(sql.unsafe`delete from jobs`));
  afterAll(() => gateway.stop());

  async function keep(name: string, more: Partial<KnownJob> = {}, org = gateway.seeded.orgId): Promise<string> {
    const key = sampleId(name);
    const state: KnownJob = { ...known, ...more };
    const row = { key, orgId: org, state, revision: 0, published: 0, seen: {}, passed: [state] };
    await gateway.database.transaction((tx) => jobs.save(tx, [row]));
    return key;
  }
  type Page = { readonly items: readonly { readonly id: string; readonly status: JobStatus }[]; nextCursor: string };
  const list = async (query = ''): Promise<Page> =>
    (await gateway.ask(`/v1/jobs${query}`, { token })).json() as unknown as Page;

  it('[GW-14] lists those of the organisation, the newest first, by status and type, page by page', async () => {
    const old = await keep('old', { createdAt: 1_000 });
    const failed = await keep('failed', { status: 'failed', error: 'no answer', createdAt: 2_000 });
    const young = await keep('young', { type: 'export', createdAt: 3_000 });
    await keep('foreign', {}, randomId());
    const ids = async (query?: string) => (await list(query)).items.map(({ id }) => id);
    expect(await ids()).toEqual([young, failed, old]);
    expect(await ids('?status=failed')).toEqual([failed]);
    expect(await ids('?type=export')).toEqual([young]);
    const first = await list('?limit=2');
    expect(first.items.map(({ id }) => id)).toEqual([young, failed]);
    expect(await ids(`?limit=2&cursor=${first.nextCursor}`)).toEqual([old]);
  });

  it('[GW-13] tells of one what its worker has told', async () => {
    const id = await keep('one', { status: 'failed', error: 'no answer', attempts: 2 });
    expect((await gateway.ask(`/v1/jobs/${id}`, { token })).json()).toMatchObject({
      id,
      type: 'discovery.run',
      status: 'failed',
      error: 'no answer',
      attempts: 2,
      progress: { done: 10, refused: 1, total: null },
    });
  });

  it('[GW-14] passes a cancellation on, and says that it has; another organisation’s is not there', async () => {
    const id = await keep('cancelled');
    const foreign = await keep('foreign', {}, randomId());
    const answer = await gateway.ask(`/v1/jobs/${id}/cancel`, { token, method: 'POST' });
    expect([answer.status, answer.json()]).toMatchObject([202, { status: 'running', cancelRequested: true }]);
    const written = await gateway.database.anyFirst(
      sql.type(z.object({ key: z.string() }))`select key from outbox where topic = 'platform.job-command.v1'`,
    );
    expect(written).toEqual([id]);
    expect((await gateway.ask(`/v1/jobs/${foreign}/cancel`, { token, method: 'POST' })).status).toBe(404);
    const done = await keep('done', { status: 'completed' });
    expect((await gateway.ask(`/v1/jobs/${done}/cancel`, { token, method: 'POST' })).status).toBe(409);
  });

  it('[GW-13] an upload is complete once analytics has counted all of it, in the list as well', async () => {
    const upload = await gateway.ask('/v1/uploads/leads', {
      token,
      body: csvForm('email\na@a.example\nb@a.example\n'),
    });
    const id = String(upload.json()['jobId']);
    await keep('unrelated');
    await gateway.database.query(sql.unsafe`
      insert into jobs (key, org_id, previous_revision, revision, published, seen, state, type, status, owner, attempts, retryable, created_at)
      select ${id}, org_id, 0, 1, 0, '{}', jsonb_set(state::jsonb, '{type}', '"upload-csv"')::text, 'upload-csv', 'running', '', 1, false, now()
      from jobs where key = ${sampleId('unrelated')}
    `);
    gateway.upstream.react = () => ({
      status: 200,
      body: { done: 2, discovered: 2, updated: 0, duplicated: 0, rejected: 0 },
    });
    expect((await list('?type=upload-csv')).items).toMatchObject([{ id, status: 'completed' }]);
    expect((await list('?status=completed')).items.map((item) => item.id)).toEqual([id]);
  });

  it('[X-DL-04] of those that failed the clock takes what may help, and not for ever', async () => {
    const may = { status: 'failed', retryable: true } as const;
    const again = await keep('again', may);
    await keep('tired', { ...may, attempts: 5 });
    await keep('broken', { ...may, retryable: false });
    await keep('running');
    expect(await retryableJobs(gateway.database)).toEqual([
      { orgId: gateway.seeded.orgId, jobId: again, owner: 'discovery-runs' },
    ]);
  });
});
