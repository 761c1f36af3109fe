/**
 * A job as those who work on it tell of it (`JobChanged`), and what clients ask of it. Whether it ends or goes on is the
 * worker's to say: a request is passed on, never answered here.
 *
 *   queued ─▶ running ─▶ completed | cancelled
 *      ▲         └─────▶ failed ─ retry (by hand, or hourly where it may help) ─▶ running
 */
import type { JobCancelRequested, JobChanged, JobRetryRequested, JobStatus } from '@lead-flood/contracts';
import type { Decision, Reject } from '@lead-flood/kernel';
import { apply, reject, skip } from '@lead-flood/kernel';

export type KnownJob = {
  readonly kind: 'job';
  readonly type: string;
  readonly status: JobStatus;
  readonly leadId: string | null;
  readonly error: string | null;
  /** Group that works on it; empty where nobody hears of requests. */
  readonly owner: string;
  readonly total: number | null;
  readonly done: number;
  readonly refused: number;
  readonly attempts: number;
  readonly retryable: boolean;
  readonly isCancelRequested: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
};

export type Job = { readonly kind: 'none' } | KnownJob;

export const initialState: Job = { kind: 'none' };

export type AskOfJob = { readonly orgId: string; readonly jobId: string; readonly requestedBy: string };

export type Emitted =
  | { readonly name: 'JobCancelRequested'; readonly data: JobCancelRequested }
  | { readonly name: 'JobRetryRequested'; readonly data: JobRetryRequested };

const statuses: ReadonlySet<string> = new Set<JobStatus>(['queued', 'running', 'completed', 'failed', 'cancelled']);
const isStatus = (status: string): status is JobStatus => statuses.has(status);

export function hearOfJob(state: Job, told: JobChanged): Decision<Job, Emitted> {
  const { type, status, leadId, error, owner, total, done, refused, attempts, retryable, changedAt } = told;
  if (!isStatus(status)) return reject('IGW_ERR_UNKNOWN_JOB_STATUS', `a job cannot be ${status}`);
  const isOver = status !== 'queued' && status !== 'running';
  // What somebody has looked at and found done is not undone by the news of its beginning.
  if (state.kind === 'job' && state.status === 'completed' && !isOver && attempts <= state.attempts)
    return skip('overtaken');
  return apply<Job, Emitted>({
    kind: 'job',
    type,
    status,
    leadId,
    error,
    owner,
    total,
    done,
    refused,
    attempts,
    retryable,
    isCancelRequested: state.kind === 'job' && state.isCancelRequested && !isOver,
    createdAt: state.kind === 'job' ? state.createdAt : changedAt,
    updatedAt: changedAt,
  });
}

export function cancel(state: Job, { orgId, jobId, requestedBy }: AskOfJob, now: number): Decision<Job, Emitted> {
  if (state.kind !== 'job') return unknown(jobId);
  if (state.status !== 'queued' && state.status !== 'running') return invalid(state, 'cancelled');
  if (state.owner === '') return reject('IGW_ERR_JOB_MOVE', `what a job of type ${state.type} has handed on goes on`);
  if (state.isCancelRequested) return skip('requested');
  return apply<Job, Emitted>({ ...state, isCancelRequested: true }, [
    { name: 'JobCancelRequested', data: { orgId, jobId, owner: state.owner, requestedBy, requestedAt: now } },
  ]);
}

export function retry(state: Job, { orgId, jobId, requestedBy }: AskOfJob, now: number): Decision<Job, Emitted> {
  if (state.kind !== 'job') return unknown(jobId);
  if (state.status !== 'failed' || !state.retryable || state.owner === '') return invalid(state, 'tried again');
  return apply<Job, Emitted>(state, [
    { name: 'JobRetryRequested', data: { orgId, jobId, owner: state.owner, requestedBy, requestedAt: now } },
  ]);
}

export type SettleUpload = {
  readonly orgId: string;
  readonly jobId: string;
  readonly type: string;
  readonly accepted: number;
  readonly refused: number;
};

/** Of an upload nobody reports the end: whoever looks finds that every lead of it has its outcome. */
export function settleUpload(
  state: Job,
  { type, accepted, refused }: SettleUpload,
  now: number,
): Decision<Job, Emitted> {
  if (state.kind === 'job' && state.status === 'completed') return skip('known');
  return apply<Job, Emitted>({
    kind: 'job',
    type,
    status: 'completed',
    leadId: null,
    error: null,
    owner: '',
    total: accepted + refused,
    done: accepted,
    refused,
    attempts: 1,
    retryable: false,
    isCancelRequested: false,
    createdAt: state.kind === 'job' ? state.createdAt : now,
    updatedAt: now,
  });
}

const unknown = (jobId: string): Reject => reject('IGW_ERR_UNKNOWN_JOB', `there is no job ${jobId}`);
const invalid = ({ status, error }: KnownJob, move: string): Reject =>
  reject('IGW_ERR_JOB_MOVE', `a job that is ${status}${error === null ? '' : ` (${error})`} cannot be ${move}`);
