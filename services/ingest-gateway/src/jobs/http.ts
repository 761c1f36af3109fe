/**
 * `/v1/jobs`. Two kinds of jobs are known elsewhere as well: an upload is as far as analytics has counted outcomes of its
 * leads, and the enrichment of a lead, of which there are too many to be rows here, is told by the lead's own readers.
 */
import type { JobView, Principal } from '@lead-flood/contracts';
import { ApiError, freshLeadRoutes, jobRoutes, leadJobRoutes, uploadProgressRoutes } from '@lead-flood/contracts';
import { CodedError, derivedId, TransientError } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import type { Applier } from '@lead-flood/processor';
import type { HttpExchange, HttpHandlers, HttpServer } from '@lead-flood/service';
import { addRoutes } from '@lead-flood/service';
import type { Gate } from '../access/gate.ts';
import { uploadJob } from '../domain/upload-job.ts';
import type { Forward } from '../proxy/proxy.ts';
import { findUpload } from '../uploads/upload-store.ts';
import type { Job, KnownJob } from './domain.ts';
import type { JobCommands } from './processor.ts';
import { getJob, listJobs, openUploads } from './store.ts';

export type JobDeps = {
  readonly database: Database;
  readonly applier: Applier<Job, JobCommands>;
  readonly forward: Forward;
  readonly gate: Gate;
};

type Request = HttpExchange['request'];

/** Uploads that one look at the list may settle. */
const SETTLED_AT_ONCE_MAX = 20;

export function addJobRoutes(server: HttpServer, deps: JobDeps): void {
  addRoutes(server, jobRoutes, handlers(deps), (request) => Promise.resolve(deps.gate.callerOf(request).principal));
}

function handlers(deps: JobDeps): HttpHandlers<typeof jobRoutes> {
  const { database, applier } = deps;
  const ask = async (
    name: 'CancelJob' | 'RetryJob',
    jobId: string,
    { principal: { orgId, userId }, correlationId }: { principal: Principal; correlationId: string },
  ): Promise<JobView> => {
    const data = { orgId, jobId, requestedBy: userId };
    const { state } = await applier.apply({ name, key: jobId, orgId, correlationId, data });
    if (state.kind !== 'job') throw unknownJob(jobId);
    return toView(jobId, state);
  };
  return {
    listJobs: async ({ query, principal: { orgId }, correlationId }, { request }) => {
      const uploads = new Map<string, JobView | null>();
      for (const jobId of await openUploads(database, orgId, SETTLED_AT_ONCE_MAX))
        uploads.set(jobId, await readUpload(deps, { orgId, jobId, correlationId, request }));
      const { rows, nextCursor } = await listJobs(database, orgId, query);
      // The same of an upload as by its id: how many rows were accepted, its row does not know.
      return { items: rows.map(({ id, job }) => uploads.get(id) ?? toView(id, job)), nextCursor };
    },
    getJob: async ({ params: { jobId }, principal: { orgId }, correlationId }, { request }) => {
      const upload = await readUpload(deps, { orgId, jobId, correlationId, request });
      if (upload !== null) return upload;
      const job = await getJob(database, orgId, jobId);
      return job === null ? readLeadJob(deps, jobId, request) : toView(jobId, job);
    },
    cancelJob: (request) => ask('CancelJob', request.params.jobId, request),
    retryJob: (request) => ask('RetryJob', request.params.jobId, request),
  };
}

type Asked = {
  readonly orgId: string;
  readonly jobId: string;
  readonly correlationId: string;
  readonly request: Request;
};

/** An upload as far as analytics has counted; once all have their outcome, the job's row says so as well. */
async function readUpload(deps: JobDeps, { orgId, jobId, correlationId, request }: Asked): Promise<JobView | null> {
  const upload = await findUpload(deps.database, orgId, jobId);
  if (upload === null) return null;
  const isSettled = (await getJob(deps.database, orgId, jobId))?.status === 'completed';
  if (isSettled) return uploadJob(upload, upload.accepted);
  const view = uploadJob(upload, upload.state === 'failed' ? null : await countDone(deps, jobId, request));
  if (view.status === 'completed') {
    await deps.applier.apply({
      name: 'SettleUpload',
      id: derivedId(jobId, 'settled'),
      key: jobId,
      orgId,
      correlationId,
      data: { orgId, jobId, type: view.type, accepted: upload.accepted, refused: upload.refused },
    });
  }
  return view;
}

/** Null when analytics cannot say: the job is then told as far as we know it ourselves. */
async function countDone({ forward, gate }: JobDeps, jobId: string, request: Request): Promise<number | null> {
  try {
    const caller = gate.callerOf(request);
    const answer = await forward('analytics', 'GET', `/internal/jobs/${jobId}/progress`, { request, caller });
    if (answer.status !== 200) return null;
    const progress = uploadProgressRoutes.uploadProgress.answer.safeParse(JSON.parse(answer.body.toString('utf8')));
    return progress.success ? progress.data.done : null;
  } catch (error) {
    if (error instanceof TransientError || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** GW-08: the read model first, and its source while it lags. */
async function readLeadJob({ forward, gate }: JobDeps, jobId: string, request: Request): Promise<JobView> {
  const from = { request, caller: gate.callerOf(request) };
  for (const [service, route] of [
    ['analytics', leadJobRoutes.leadJob],
    ['discovery', freshLeadRoutes.freshJob],
  ] as const) {
    const told = await forward(service, 'GET', route.path.replace(':jobId', jobId), from);
    if (told.status === 404) continue;
    if (told.status !== 200) throw new ApiError('unavailable', `${service} does not say`);
    return route.answer.parse(JSON.parse(told.body.toString('utf8')));
  }
  throw unknownJob(jobId);
}

const unknownJob = (jobId: string): CodedError => new CodedError('IGW_ERR_UNKNOWN_JOB', `there is no job ${jobId}`);

const toView = (id: string, job: KnownJob): JobView => ({
  id,
  type: job.type,
  status: job.status,
  leadId: job.leadId,
  progress: { total: job.total, accepted: job.done, refused: job.refused, done: job.done },
  attempts: job.attempts,
  cancelRequested: job.isCancelRequested,
  error: job.error,
  createdAt: new Date(job.createdAt).toISOString(),
  updatedAt: new Date(job.updatedAt).toISOString(),
});
