/** Jobs: heard of whoever works, asked for by clients, and those that failed tried again by the clock. */
import type { JobRetryRequested, Ticked } from '@lead-flood/contracts';
import { topics } from '@lead-flood/contracts';
import type { Decision } from '@lead-flood/kernel';
import { apply, skip } from '@lead-flood/kernel';
import type { Tick } from '@lead-flood/postgres';
import { emit, tickReader } from '@lead-flood/processor';
import type { BatchProcessor, HeardTick, tickReads } from '@lead-flood/processor';
import type { AskOfJob, Job, SettleUpload } from './domain.ts';
import { cancel, hearOfJob, initialState, retry, settleUpload } from './domain.ts';
import type { FailedJob } from './store.ts';
import { jobs, retryableJobs } from './store.ts';

const reads = [topics['platform.job.v1']] as const;
const writes = [topics['platform.job-command.v1']] as const;

export type JobCommands = { CancelJob: AskOfJob; RetryJob: AskOfJob; SettleUpload: SettleUpload };

export const jobProcessor: BatchProcessor<Job, typeof reads, typeof writes, undefined, JobCommands> = {
  group: 'ingest-gateway-jobs',
  reads,
  writes,
  store: jobs,
  initial: () => initialState,
  keyOf: ({ data }) => data.jobId,
  decide: {
    JobChanged: (state, { data }) => hearOfJob(state, data),
    CancelJob: (state, { data }, ctx) => cancel(state, data, ctx.now),
    RetryJob: (state, { data }, ctx) => retry(state, data, ctx.now),
    SettleUpload: (state, { data }, ctx) => settleUpload(state, data, ctx.now),
  },
};

const RETRY = 'ingest-gateway.retry-jobs';
const HOUR_MS = 3_600_000;

/** X-DL-04, X-SC-04. */
export const clocks: readonly Tick[] = [{ name: RETRY, everyMs: HOUR_MS }];

type Facts = { readonly failed: readonly FailedJob[] };

/** Of a clock that stood still for hours the newest tick does what all would have done. */
export const jobClock: BatchProcessor<HeardTick, typeof tickReads, typeof writes, Facts> = {
  group: 'ingest-gateway-clock',
  ...tickReader,
  writes,
  facts: async (tx, inputs) => {
    const last = inputs.findLastIndex(({ data }) => data.tick === RETRY);
    const failed = last < 0 ? [] : await retryableJobs(tx);
    return inputs.map((_, n) => ({ failed: n === last ? failed : [] }));
  },
  decide: { Ticked: (_state, { data }, ctx) => retryFailed(data, ctx.facts, ctx.now) },
};

type Retried = { readonly name: 'JobRetryRequested'; readonly data: JobRetryRequested };

function retryFailed({ tick, period, dueAt }: Ticked, { failed }: Facts, now: number): Decision<HeardTick, Retried> {
  if (tick !== RETRY) return skip('another_clock');
  return apply<HeardTick, Retried>(
    { tick, period, dueAt },
    failed.map(({ orgId, jobId, owner }) =>
      emit('JobRetryRequested', { orgId, jobId, owner, requestedBy: null, requestedAt: now }),
    ),
  );
}
