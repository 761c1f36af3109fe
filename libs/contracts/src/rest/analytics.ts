/** Analytics' doors: the lead read model and its timeline, jobs, the funnel, freshness, the dead-letter archive. */
import { z } from 'zod';
import { cursorId, cursorInt, cursorTime, defineCursor } from './cursor.ts';
import { id, page, pageLimit, timestamp } from './fields.ts';
import { jobView, leadStages, leadStatuses, leadView } from './lead.ts';
import { countryIso } from './places.ts';
import { defineRoutes } from './route.ts';

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

export const funnelView = z.strictObject({
  /** Leads that came at least so far; each step has at most as many as the one before. */
  steps: z.array(z.strictObject({ step: z.string(), leads: z.int() })),
  submitted: z.int(),
  outcomes: z.strictObject({ discovered: z.int(), updated: z.int(), duplicated: z.int(), rejected: z.int() }),
  enrichment: z.strictObject({ enriched: z.int(), failed: z.int(), costMicros: z.int() }),
  scoring: z.strictObject({ scored: z.int(), high: z.int(), medium: z.int(), low: z.int() }),
  outreach: z.strictObject({
    messagesSent: z.int(),
    messagesFailed: z.int(),
    /** Not sent since an answer, a merge or a wish for silence came first. */
    messagesWithheld: z.int(),
    leadsContacted: z.int(),
    replies: z.int(),
    notContacted: z.record(z.string(), z.int()),
  }),
  calls: z.strictObject({
    tasksCreated: z.int(),
    tasksDeclined: z.record(z.string(), z.int()),
    outcomes: z.record(z.string(), z.int()),
  }),
  deadLetters: z.record(z.string(), z.int()),
  providers: z.array(
    z.strictObject({
      provider: z.string(),
      attempts: z.int(),
      hits: z.int(),
      verifiedEmails: z.int(),
      costMicros: z.int(),
    }),
  ),
});

export const deadLetterView = z.strictObject({
  id,
  group: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  code: z.string(),
  detail: z.string(),
  step: z.string(),
  key: z.string().nullable(),
  bytes: z.int(),
  at: timestamp,
});

export const deadLetterAct = z.strictObject({
  id,
  act: z.string(),
  who: z.string(),
  filter: z.record(z.string(), z.unknown()),
  matched: z.int(),
  acted: z.int(),
  guarded: z.int(),
  cameBack: z.int().nullable(),
  gone: z.int().nullable(),
  at: timestamp,
});

const timeAndId = z.tuple([cursorTime, cursorId]);
export const deadLetterCursor = defineCursor('dead-letters', timeAndId);
export const deadLetterActCursor = defineCursor('dead-letter-acts', timeAndId);

export const analyticsRoutes = defineRoutes({
  listLeads: {
    service: 'analytics',
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
    service: 'analytics',
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
    service: 'analytics',
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
  getJob: {
    service: 'analytics',
    method: 'GET',
    path: '/v1/jobs/:jobId',
    summary: 'How far a piece of work is',
    permission: 'jobs:read',
    params: z.strictObject({ jobId: id }),
    answer: jobView,
    status: 200,
    errors: ['not_found'],
    rows: ['GW-13'],
  },
  funnel: {
    service: 'analytics',
    method: 'GET',
    path: '/v1/analytics/funnel',
    summary: 'Counts of every stage',
    permission: 'analytics:read',
    query: z.strictObject({ source: z.string().max(60).optional(), createdFrom: timestamp.optional() }),
    answer: funnelView,
    status: 200,
    errors: ['invalid_payload'],
    rows: ['AN-01'],
  },
  freshness: {
    service: 'analytics',
    method: 'GET',
    path: '/v1/analytics/freshness',
    summary: 'How old the read model is',
    permission: 'analytics:read',
    answer: z.strictObject({
      lastEventAt: timestamp.nullable(),
      ageMs: z.int().nullable(),
      projectionMs: z.strictObject({ p50: z.int(), p99: z.int() }).nullable(),
    }),
    status: 200,
    errors: [],
    rows: ['AN-01'],
  },
  listDeadLetters: {
    service: 'analytics',
    method: 'GET',
    path: '/v1/dead-letters',
    summary: 'Messages that could not be processed, newest first',
    permission: 'dead-letters:read',
    query: z.strictObject({
      group: z.string().max(60).optional(),
      topic: z.string().max(100).optional(),
      code: z.string().max(60).optional(),
      from: timestamp.optional(),
      to: timestamp.optional(),
      limit: pageLimit,
      cursor: deadLetterCursor.field.optional(),
    }),
    answer: page(deadLetterView),
    status: 200,
    errors: ['invalid_payload'],
    rows: ['X-DL-01'],
  },
  listDeadLetterActs: {
    service: 'analytics',
    method: 'GET',
    path: '/v1/dead-letters/acts',
    summary: 'Who sent dead letters again, deleted or skipped them, and what came of it; newest first',
    permission: 'dead-letters:read',
    query: z.strictObject({ limit: pageLimit, cursor: deadLetterActCursor.field.optional() }),
    answer: page(deadLetterAct),
    status: 200,
    errors: ['invalid_payload'],
    rows: ['X-DL-01'],
  },
});

/** Asked by the gateway: how many rows of an upload have an outcome. */
export const analyticsInternalRoutes = defineRoutes({
  uploadProgress: {
    service: 'analytics',
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
