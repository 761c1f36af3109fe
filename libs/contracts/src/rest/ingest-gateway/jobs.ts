/** Long work as a noun (decision C-04): uploads, runs and whatever else reports itself, and the enrichment of each lead. */
import { z } from 'zod';
import { cursorId, cursorTime, defineCursor } from '../cursor.ts';
import { id, page, pageLimit } from '../fields.ts';
import { jobStatuses, jobView } from '../lead.ts';
import { defineRoutes } from '../route.ts';

const params = z.strictObject({ jobId: id });

/** When the last job shown was created, and its id. */
export const jobCursor = defineCursor('jobs', z.tuple([cursorTime, cursorId]));

export const jobListQuery = z.strictObject({
  status: z.enum(jobStatuses).optional(),
  type: z.string().max(60).optional(),
  limit: pageLimit,
  cursor: jobCursor.field.optional(),
});

export const jobRoutes = defineRoutes('ingest-gateway', {
  listJobs: {
    method: 'GET',
    path: '/v1/jobs',
    summary: 'Uploads and runs of the organisation, the newest first; the enrichment of a lead is found by its id',
    permission: 'jobs:read',
    query: jobListQuery,
    answer: page(jobView),
    status: 200,
    errors: ['invalid_payload'],
    rows: ['GW-14'],
  },
  getJob: {
    method: 'GET',
    path: '/v1/jobs/:jobId',
    summary: 'How far a piece of work is',
    permission: 'jobs:read',
    params,
    answer: jobView,
    status: 200,
    errors: ['not_found'],
    rows: ['GW-13'],
  },
  cancelJob: {
    method: 'POST',
    path: '/v1/jobs/:jobId/cancel',
    summary: 'Ask for an end: what is under way is finished, nothing new is begun',
    permission: 'jobs:write',
    params,
    answer: jobView,
    status: 202,
    errors: ['not_found', 'invalid_transition'],
    rows: ['GW-14'],
  },
  retryJob: {
    method: 'POST',
    path: '/v1/jobs/:jobId/retry',
    summary: 'Try a job that failed again, from where it failed',
    permission: 'jobs:write',
    params,
    answer: jobView,
    status: 202,
    errors: ['not_found', 'invalid_transition'],
    rows: ['GW-14', 'X-DL-04'],
  },
});
