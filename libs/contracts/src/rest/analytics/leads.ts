/** The lead read model, and its timeline. */
import { z } from 'zod';
import { cursorId, cursorInt, cursorTime, defineCursor } from '../cursor.ts';
import { id, page, pageLimit, timestamp } from '../fields.ts';
import { jobView, leadStages, leadStatuses, leadView } from '../lead.ts';
import { countryIso } from '../places.ts';
import { defineRoutes } from '../route.ts';

/** The order, its column's value in the last row, and that row's id: a place means nothing in another order. */
export const leadCursor = defineCursor(
  'leads',
  z.union([
    z.tuple([z.enum(['createdAt', '-createdAt']), cursorTime, cursorId]),
    z.tuple([z.enum(['score', '-score']), cursorInt, cursorId]),
  ]),
);

const leadFilters = z.strictObject({
  stage: z.enum(leadStages).optional(),
  status: z.enum(leadStatuses).optional(),
  band: z.enum(['LOW', 'MEDIUM', 'HIGH']).optional(),
  scoreMin: z.coerce.number().int().min(0).max(100).optional(),
  scoreMax: z.coerce.number().int().min(0).max(100).optional(),
  icpId: id.optional(),
  source: z.string().max(60).optional(),
  country: countryIso.optional(),
  emailStatus: z.enum(['verified', 'risky', 'invalid', 'unknown', 'missing']).optional(),
  /** Part of a name, an e-mail address or a company. */
  q: z.string().trim().min(2).max(100).optional(),
  createdFrom: timestamp.optional(),
  createdTo: timestamp.optional(),
  updatedFrom: timestamp.optional(),
  updatedTo: timestamp.optional(),
  sort: z.enum(['createdAt', '-createdAt', 'score', '-score']).default('-createdAt'),
  limit: pageLimit,
  cursor: leadCursor.field.optional(),
});

/** Filters of the lead list (GW-09's note). */
export const leadListQuery = leadFilters.refine(({ cursor, sort }) => cursor === undefined || cursor[0] === sort, {
  message: 'the cursor is not one of this list in this order',
  path: ['cursor'],
});

export const timelineEntry = z.strictObject({
  at: timestamp,
  event: z.string(),
  topic: z.string(),
  id,
  summary: z.string(),
  details: z.record(z.string(), z.unknown()),
});

export const leadRoutes = defineRoutes('analytics', {
  listLeads: {
    method: 'GET',
    path: '/v1/leads',
    summary: 'Leads with their latest discovery, enrichment and score',
    permission: 'leads:read',
    query: leadListQuery,
    answer: page(leadView),
    status: 200,
    errors: ['invalid_payload'],
    rows: ['GW-09', 'SC-11'],
  },
  getLead: {
    method: 'GET',
    path: '/v1/leads/:leadId',
    summary: 'One lead with everything known of it',
    permission: 'leads:read',
    params: z.strictObject({ leadId: id }),
    answer: leadView,
    status: 200,
    errors: ['not_found'],
    rows: ['GW-08'],
  },
  leadTimeline: {
    method: 'GET',
    path: '/v1/leads/:leadId/timeline',
    summary: 'Everything that happened to a lead, and why',
    permission: 'leads:read',
    params: z.strictObject({ leadId: id }),
    answer: z.strictObject({ items: z.array(timelineEntry) }),
    status: 200,
    errors: ['not_found'],
    rows: ['GW-08'],
  },
});

/** Asked by the gateway, which owns the noun: the enrichment of a lead is as far as the lead. */
export const leadJobRoutes = defineRoutes('analytics', {
  leadJob: {
    method: 'GET',
    path: '/internal/jobs/:jobId',
    summary: 'The job of a lead as the read model knows it',
    permission: 'jobs:read',
    params: z.strictObject({ jobId: id }),
    answer: jobView,
    status: 200,
    errors: ['not_found'],
    rows: ['GW-13'],
  },
});

/** Asked by the gateway: how many rows of an upload have an outcome. */
export const uploadProgressRoutes = defineRoutes('analytics', {
  uploadProgress: {
    method: 'GET',
    path: '/internal/jobs/:jobId/progress',
    summary: 'Outcomes so far of the leads of one upload',
    permission: 'jobs:read',
    params: z.strictObject({ jobId: id }),
    answer: z.strictObject({
      done: z.int(),
      discovered: z.int(),
      updated: z.int(),
      duplicated: z.int(),
      rejected: z.int(),
    }),
    status: 200,
    errors: [],
    rows: ['GW-13'],
  },
});
