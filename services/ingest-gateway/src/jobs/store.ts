/** The table of jobs. */
import { z } from 'zod';
import type { JobStatus } from '@lead-flood/contracts';
import { jobCursor, jobStatuses } from '@lead-flood/contracts';
import type { Queries } from '@lead-flood/postgres';
import { createDocumentStore, sql } from '@lead-flood/postgres';
import type { Job, KnownJob } from './domain.ts';

const job: z.ZodType<Job> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({
    kind: z.literal('job'),
    type: z.string(),
    status: z.enum(jobStatuses),
    leadId: z.string().nullable(),
    error: z.string().nullable(),
    owner: z.string(),
    total: z.int().nullable(),
    done: z.int(),
    refused: z.int(),
    attempts: z.int(),
    retryable: z.boolean(),
    isCancelRequested: z.boolean(),
    createdAt: z.number(),
    updatedAt: z.number(),
  }),
]);

const column = (name: string, type: string, of: (known: KnownJob) => string | number | boolean) => ({
  name,
  type,
  of: (state: Job) => (state.kind === 'job' ? of(state) : null),
});

export const jobs = createDocumentStore<Job>({
  table: 'jobs',
  state: job,
  columns: [
    column('type', 'text', (known) => known.type),
    column('status', 'text', (known) => known.status),
    column('owner', 'text', (known) => known.owner),
    column('attempts', 'int4', (known) => known.attempts),
    column('retryable', 'bool', (known) => known.retryable),
    column('created_at', 'timestamptz', (known) => new Date(known.createdAt).toISOString()),
  ],
});

export type JobRow = { readonly id: string; readonly job: KnownJob };

export async function getJob(database: Queries, orgId: string, id: string): Promise<KnownJob | null> {
  const state = (await jobs.loadOf(database, orgId, id))?.state;
  return state?.kind === 'job' ? state : null;
}

export type JobQuery = {
  readonly status?: JobStatus | undefined;
  readonly type?: string | undefined;
  readonly limit: number;
  readonly cursor?: readonly [createdAt: number, id: string] | undefined;
};

const place = z.object({ key: z.string(), created_at: z.number() });

/** The newest first. */
export async function listJobs(
  database: Queries,
  orgId: string,
  { status, type, limit, cursor }: JobQuery,
): Promise<{ readonly rows: readonly JobRow[]; readonly nextCursor: string | null }> {
  const after =
    cursor === undefined
      ? sql.fragment``
      : sql.fragment`and (created_at, key) < (${new Date(cursor[0]).toISOString()}::timestamptz, ${cursor[1]}::uuid)`;
  const found = await database.any(sql.type(place)`
    select key, created_at from jobs
    where org_id = ${orgId}
      ${status === undefined ? sql.fragment`` : sql.fragment`and status = ${status}`}
      ${type === undefined ? sql.fragment`` : sql.fragment`and type = ${type}`}
      ${after}
    order by created_at desc, key desc limit ${limit + 1}
  `);
  const shown = found.slice(0, limit);
  const states = await jobs.load(
    database,
    shown.map(({ key }) => key),
  );
  const last = shown.at(-1);
  return {
    rows: shown.flatMap(({ key }) => {
      const state = states.get(key)?.state;
      return state?.kind === 'job' ? [{ id: key, job: state }] : [];
    }),
    nextCursor: found.length > limit && last !== undefined ? jobCursor.write([last.created_at, last.key]) : null,
  };
}

/** Uploads whose leads may have their outcomes by now. */
export const openUploads = (database: Queries, orgId: string, limit: number): Promise<readonly string[]> =>
  database.anyFirst(sql.type(z.object({ key: z.string() }))`
    select key from jobs
    where org_id = ${orgId} and status in ('queued', 'running') and type like 'upload-%'
    order by created_at limit ${limit}
  `);

export type FailedJob = { readonly orgId: string; readonly jobId: string; readonly owner: string };

/** As often as the clock tries by itself; somebody may still ask by hand. */
const ATTEMPTS_MAX = 5;
const AT_ONCE_MAX = 500;
const failedRow = z.object({ org_id: z.string(), key: z.string(), owner: z.string() });

/** Of all organisations, those that have waited longest first. */
export async function retryableJobs(queries: Queries): Promise<readonly FailedJob[]> {
  const rows = await queries.any(sql.type(failedRow)`
    select org_id, key, owner from jobs
    where status = 'failed' and retryable and owner <> '' and attempts < ${ATTEMPTS_MAX}
    order by updated_at limit ${AT_ONCE_MAX}
  `);
  return rows.map(({ org_id: orgId, key: jobId, owner }) => ({ orgId, jobId, owner }));
}
