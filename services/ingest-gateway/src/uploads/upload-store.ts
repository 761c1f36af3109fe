/** Uploads and their refused rows. */
import { z } from 'zod';
import type { RefusedRow } from '@lead-flood/contracts';
import type { Queries } from '@lead-flood/postgres';
import { numbers, sql, texts } from '@lead-flood/postgres';
import type { Upload } from '../domain/upload-job.ts';

const uploadRow = z.object({
  id: z.string(),
  kind: z.enum(['csv', 'json']),
  state: z.enum(['receiving', 'received', 'failed']),
  rows_total: z.int(),
  accepted: z.int(),
  refused: z.int(),
  error: z.string().nullable(),
  created_at: z.number(),
  updated_at: z.number(),
});

export async function findUpload(queries: Queries, orgId: string, id: string): Promise<Upload | null> {
  const row = await queries.maybeOne(sql.type(uploadRow)`
    select id, kind, state, rows_total, accepted, refused, error, created_at, updated_at from uploads where id = ${id} and org_id = ${orgId}
  `);
  if (row === null) return null;
  const { rows_total: rowsTotal, created_at: createdAt, updated_at: updatedAt, ...same } = row;
  return { ...same, rowsTotal, createdAt, updatedAt };
}

export type NewUpload = {
  readonly jobId: string;
  readonly orgId: string;
  readonly userId: string;
  readonly kind: 'csv' | 'json';
  readonly rowsTotal: number;
};
export type UploadCounts = { readonly accepted: number; readonly refused: number };

export type Begun = {
  /** The row up to which the upload is committed: 0, or more where it was cut off and is sent again. */
  readonly committed: number;
  readonly isNew: boolean;
};

export const beginUpload = (tx: Queries, { jobId, orgId, userId, kind, rowsTotal }: NewUpload): Promise<Begun> =>
  tx.one(sql.type(z.object({ committed: z.int(), isNew: z.boolean() }))`
    insert into uploads (id, org_id, user_id, kind, state, rows_total)
    values (${jobId}, ${orgId}, ${userId}, ${kind}, 'receiving', ${rowsTotal})
    on conflict (id) do update set state = 'receiving', error = null, updated_at = now()
    returning committed_row as committed, old.id is null as "isNew"
  `);

export type Advance = {
  readonly after: number;
  readonly upTo: number;
  readonly accepted: number;
  readonly refused: readonly RefusedRow[];
};

/**
 * What became of a chunk: it is `new`; or its rows are in already, since our own COMMIT took place though its answer was lost,
 * or another request with the same key is ahead; or another one has cut its chunks elsewhere.
 */
export type Advanced = 'new' | 'known' | 'elsewhere';

export async function advanceUpload(
  tx: Queries,
  id: string,
  { after, upTo, accepted, refused }: Advance,
): Promise<Advanced> {
  const committed = await tx.oneFirst(sql.type(z.object({ committed_row: z.int() }))`
    select committed_row from uploads where id = ${id} for update
  `);
  if (committed >= upTo) return 'known';
  if (committed !== after) return 'elsewhere';
  await tx.query(sql.unsafe`
    update uploads
    set accepted = accepted + ${accepted}, refused = refused + ${refused.length}, committed_row = ${upTo}, updated_at = now()
    where id = ${id}
  `);
  if (refused.length === 0) return 'new';
  await tx.query(sql.unsafe`
    insert into upload_rows (upload_id, row_number, field, code, message)
    select ${id}::uuid, * from unnest(
      ${numbers(refused.map((r) => r.row))}::int[],
      ${texts(refused.map((r) => r.field))}::text[],
      ${texts(refused.map((r) => r.code))}::text[],
      ${texts(refused.map((r) => r.message))}::text[]
    )
  `);
  return 'new';
}

/** `isFirst`: it had not been received as a whole before. */
export const endUpload = (tx: Queries, id: string): Promise<UploadCounts & { readonly isFirst: boolean }> =>
  tx.one(sql.type(z.object({ accepted: z.int(), refused: z.int(), isFirst: z.boolean() }))`
    update uploads set state = 'received', updated_at = now(), received_at = coalesce(received_at, now())
    where id = ${id} returning accepted, refused, old.received_at is null as "isFirst"
  `);

const refusedRow = z.object({ row: z.int(), field: z.string().nullable(), code: z.string(), message: z.string() });

export async function listRefused(
  queries: Queries,
  id: string,
  after: number,
  limit: number,
): Promise<readonly RefusedRow[]> {
  return queries.any(sql.type(refusedRow)`
    select row_number as row, field, code, message from upload_rows
    where upload_id = ${id} and row_number > ${after} order by row_number limit ${limit}
  `);
}
