/** The gateway's own doors: signing in, its state, uploads of many leads, signed webhooks, and the description of all doors. */
import { z } from 'zod';
import { defineCursor } from './cursor.ts';
import { id, pageLimit, timestamp } from './fields.ts';
import { roles } from './policy.ts';
import { defineRoutes } from './route.ts';
import { cleanTexts } from './texts.ts';
import { mailBody, webhookAnswer, yayBody } from './webhook.ts';

export const loginBody = z.strictObject({
  email: z.string().trim().min(3).max(254),
  password: z.string().min(1).max(200),
});
export const sessionAnswer = z.strictObject({
  accessToken: z.string(),
  refreshToken: z.string(),
  expiresAt: timestamp,
});

/** A row that was refused. Never its values: a field's name and the reason are enough to mend it, and are no personal data. */
export const refusedRow = z.strictObject({
  /** 1 is the first row after the header, or the first element of the array. */
  row: z.int(),
  field: z.string().nullable(),
  code: z.string(),
  message: z.string(),
});
export type RefusedRow = z.infer<typeof refusedRow>;

const jobParams = z.strictObject({ jobId: id });
const systemState = z.strictObject({
  status: z.string(),
  db: z.enum(['ok', 'fail']),
  checks: z.record(z.string(), z.string()),
});

const description = z.record(z.string(), z.unknown());

/** The number of the last row shown. */
export const uploadRowCursor = defineCursor('upload-rows', z.tuple([z.int().min(1).max(999_999_999)]));

export const gatewayRoutes = defineRoutes({
  login: {
    service: 'ingest-gateway',
    method: 'POST',
    path: '/v1/auth/login',
    summary: 'Sign in with e-mail and password; also sets the cookies',
    permission: 'public',
    body: loginBody,
    answer: sessionAnswer,
    status: 200,
    errors: ['invalid_payload', 'unauthorized', 'rate_limited'],
    rows: ['X-AU-01', 'X-AU-07', 'X-AU-09'],
  },
  refresh: {
    service: 'ingest-gateway',
    method: 'POST',
    path: '/v1/auth/refresh',
    summary: 'Exchange a refresh token, from the body or the cookie, for a new pair',
    permission: 'public',
    body: z.strictObject({ refreshToken: z.string().max(500).optional() }).optional(),
    answer: sessionAnswer,
    status: 200,
    errors: ['invalid_payload', 'unauthorized'],
    rows: ['X-AU-02', 'X-AU-06'],
  },
  logout: {
    service: 'ingest-gateway',
    method: 'POST',
    path: '/v1/auth/logout',
    summary: 'End the session',
    permission: 'self',
    body: z.strictObject({}).optional(),
    answer: z.strictObject({ success: z.literal(true) }),
    status: 200,
    errors: [],
    rows: ['X-AU-06', 'X-AU-07'],
  },
  mintToken: {
    service: 'ingest-gateway',
    method: 'POST',
    path: '/v1/auth/token',
    summary: 'Mint an access token for somebody; administrators only, or anybody where development minting is on',
    permission: 'public',
    body: z.strictObject({ userId: z.string().trim().min(1).max(200), role: z.enum(roles) }),
    answer: z.strictObject({ accessToken: z.string(), tokenType: z.literal('Bearer') }),
    status: 200,
    errors: ['invalid_payload', 'unauthorized', 'forbidden'],
    rows: ['X-AU-03'],
  },
  me: {
    service: 'ingest-gateway',
    method: 'GET',
    path: '/v1/auth/me',
    summary: 'Who the caller is',
    permission: 'self',
    answer: z.strictObject({ userId: z.string(), role: z.string(), orgId: id, scopes: z.array(z.string()) }),
    status: 200,
    errors: [],
    rows: ['X-AU-04'],
  },
  systemHealth: {
    service: 'ingest-gateway',
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
    service: 'ingest-gateway',
    method: 'GET',
    path: '/v1/system/ready',
    summary: 'What the process needs answers; 500 with the same body when not',
    permission: 'public',
    answer: systemState,
    status: 200,
    errors: [],
    rows: ['GW-04'],
  },
  adminPing: {
    service: 'ingest-gateway',
    method: 'GET',
    path: '/v1/admin/ping',
    summary: 'Answers administrators only',
    permission: 'admin',
    answer: z.strictObject({ status: z.literal('admin-ok') }),
    status: 200,
    errors: [],
    rows: ['GW-17'],
  },
  doctor: {
    service: 'ingest-gateway',
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
  uploadLeads: {
    service: 'ingest-gateway',
    method: 'POST',
    path: '/v1/uploads/leads',
    summary: 'Hand in a CSV file (multipart/form-data, one file, at most 10 MB and 10,000 rows)',
    permission: 'leads:write',
    file: { description: 'CSV with a header: email, phone or linkedinUrl, and what else is known of a lead' },
    answer: z.strictObject({ jobId: id, accepted: z.int(), refused: z.int(), rows: z.array(refusedRow) }),
    status: 202,
    errors: [
      'invalid_payload',
      'payload_too_large',
      'unsupported_media_type',
      'idempotency_conflict',
      'idempotency_mismatch',
    ],
    rows: ['GW-34'],
  },
  uploadRows: {
    service: 'ingest-gateway',
    method: 'GET',
    path: '/v1/uploads/:jobId/rows',
    summary: 'Refused rows of an upload, in order',
    permission: 'jobs:read',
    params: jobParams,
    query: z.strictObject({ limit: pageLimit, cursor: uploadRowCursor.field.optional() }),
    answer: z.strictObject({ items: z.array(refusedRow), nextCursor: z.string().nullable() }),
    status: 200,
    errors: ['invalid_payload', 'not_found'],
    rows: ['GW-34'],
  },
  bulkLeads: {
    service: 'ingest-gateway',
    method: 'POST',
    path: '/v1/leads/bulk',
    summary: 'Hand in up to 1,000 leads; each element as in POST /v1/leads',
    permission: 'leads:write',
    // An element that is wrong is refused alone, so the array as a whole accepts any object.
    body: z
      .array(z.record(z.string(), z.unknown()).describe('As the body of POST /v1/leads'))
      .min(1)
      .max(1_000)
      .overwrite(cleanTexts),
    answer: z.strictObject({ jobId: id, accepted: z.int(), refused: z.array(refusedRow) }),
    status: 202,
    errors: ['invalid_payload', 'payload_too_large', 'idempotency_conflict', 'idempotency_mismatch'],
    rows: ['GW-35', 'GW-37'],
  },
  yayWebhook: {
    service: 'ingest-gateway',
    method: 'POST',
    path: '/webhooks/yay',
    summary: 'Call events; signed with x-yay-signature; 200 for a repeat',
    permission: 'public',
    body: yayBody,
    answer: webhookAnswer,
    status: 202,
    errors: ['invalid_payload', 'unauthorized', 'provider_not_configured'],
    rows: ['GW-20', 'GW-21', 'GW-22', 'GW-25'],
  },
  mailWebhook: {
    service: 'ingest-gateway',
    method: 'POST',
    path: '/webhooks/mail',
    summary: 'Inbound mail; signed with x-mail-signature; 200 for a repeat',
    permission: 'public',
    body: mailBody,
    answer: webhookAnswer,
    status: 202,
    errors: ['invalid_payload', 'unauthorized', 'provider_not_configured'],
    rows: ['GW-25'],
  },
  openApiDocument: {
    service: 'ingest-gateway',
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
    service: 'ingest-gateway',
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
    service: 'ingest-gateway',
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
    service: 'ingest-gateway',
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
