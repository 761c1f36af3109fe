/** The state of the gateway, why the line is stuck, and the description of all routes. */
import { z } from 'zod';
import { defineRoutes } from '../route.ts';

const systemState = z.strictObject({
  status: z.string(),
  db: z.enum(['ok', 'fail']),
  checks: z.record(z.string(), z.string()),
});

const description = z.record(z.string(), z.unknown());

export const systemRoutes = defineRoutes('ingest-gateway', {
  systemHealth: {
    method: 'GET',
    path: '/v1/system/health',
    summary: 'The process lives',
    permission: 'public',
    answer: z.strictObject({ status: z.literal('ok') }),
    status: 200,
    errors: [],
    rows: ['GW-03'],
  },
  systemReady: {
    method: 'GET',
    path: '/v1/system/ready',
    summary: 'What the process needs answers; 500 with the same body when not',
    permission: 'public',
    answer: systemState,
    status: 200,
    errors: [],
    rows: ['GW-04'],
  },
  doctor: {
    method: 'GET',
    path: '/internal/doctor',
    summary: 'Why is it stuck? One sentence, its causes ranked, and the facts behind them; administrators only',
    permission: 'admin',
    answer: z.strictObject({
      verdict: z.enum(['healthy', 'blocked', 'unknown']),
      sentence: z.string(),
      causes: z.array(z.strictObject({ kind: z.string(), what: z.string(), sentence: z.string() })),
      facts: z.record(z.string(), z.unknown()),
    }),
    status: 200,
    errors: [],
    rows: ['X-DL-05'],
  },
  openApiDocument: {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This description, OpenAPI 3.1',
    permission: 'public',
    answer: description,
    status: 200,
    errors: [],
    rows: ['GW-16'],
  },
  openApiDocumentAtRoot: {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This description, OpenAPI 3.1',
    permission: 'public',
    answer: description,
    status: 200,
    errors: [],
    rows: ['GW-16'],
  },
  docsPage: {
    method: 'GET',
    path: '/docs',
    summary: 'This description as a page; absent in production',
    permission: 'public',
    answer: z.string(),
    status: 200,
    errors: ['not_found'],
    rows: ['GW-16'],
  },
  docsFile: {
    method: 'GET',
    path: '/docs/:file',
    summary: 'A file of that page; absent in production',
    permission: 'public',
    params: z.strictObject({ file: z.string().max(60) }),
    answer: z.string(),
    status: 200,
    errors: ['not_found'],
    rows: ['GW-16'],
  },
});
