/** Many leads at once: files and arrays. */
import { z } from 'zod';
import { defineCursor } from '../cursor.ts';
import { id, pageLimit } from '../fields.ts';
import { defineRoutes } from '../route.ts';
import { cleanTexts } from '../texts.ts';

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
/** The number of the last row shown. */
export const uploadRowCursor = defineCursor('upload-rows', z.tuple([z.int().min(1).max(999_999_999)]));

export const uploadRoutes = defineRoutes('ingest-gateway', {
  uploadLeads: {
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
});
