/** Counts of every stage, and how old they are. */
import { z } from 'zod';
import { timestamp } from '../fields.ts';
import { defineRoutes } from '../route.ts';

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

export const funnelRoutes = defineRoutes('analytics', {
  funnel: {
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
});
