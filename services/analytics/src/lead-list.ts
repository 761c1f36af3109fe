/** The lead list: one statement over the model's columns, in the order of an index, from a place on. */
import { z } from 'zod';
import type { leadListQuery, LeadView } from '@lead-flood/contracts';
import { leadCursor, leadStages, statusOf } from '@lead-flood/contracts';
import type { Queries } from '@lead-flood/postgres';
import { sql, texts } from '@lead-flood/postgres';
import { toLeadView } from './lead-view.ts';
import { readDocument } from './store.ts';

export type LeadListQuery = z.output<typeof leadListQuery>;
export type LeadPage = { readonly items: LeadView[]; readonly nextCursor: string | null };

const row = z.object({ key: z.string(), score: z.int(), created_at: z.number(), state: z.string().nullable() });
type Fragment = ReturnType<typeof sql.fragment>;

const orders = {
  createdAt: { column: 'created_at', type: 'timestamptz', descending: false },
  '-createdAt': { column: 'created_at', type: 'timestamptz', descending: true },
  score: { column: 'score', type: 'int4', descending: false },
  '-score': { column: 'score', type: 'int4', descending: true },
} as const;

/** A page ends with the lead that passes so many bytes: rows alone would not bound what one answer costs everybody else. */
const PAGE_BYTES_MAX = 4_194_304;

export async function listLeads(
  database: Queries,
  orgId: string,
  query: LeadListQuery,
  bytesMax = PAGE_BYTES_MAX,
): Promise<LeadPage> {
  const order = orders[query.sort];
  const conditions = [
    // A refused submission has no stage.
    sql.fragment`stage is not null`,
    sql.fragment`org_id = ${orgId}`,
    ...filters(query),
    ...placeAfter(query),
  ];
  const column = sql.identifier([order.column]);
  const direction = order.descending ? sql.fragment`desc` : sql.fragment`asc`;
  const rows = await database.any(sql.type(row)`
    select key, score, created_at, case when bytes_before < ${bytesMax} then state end as state from (
      select key, score, created_at, state,
        sum(octet_length(state::text)) over (order by ${column} ${direction}, key ${direction}) - octet_length(state::text) as bytes_before
      from (
        select key, score, created_at, state from lead_models
        where ${sql.join(conditions, sql.fragment` and `)}
        order by ${column} ${direction}, key ${direction}
        limit ${query.limit + 1}
      ) as page
    ) as measured
    order by ${column} ${direction}, key ${direction}
  `);
  const shown = rows.slice(0, query.limit).flatMap((r) => (r.state === null ? [] : [{ ...r, state: r.state }]));
  const last = rows.length > shown.length ? shown.at(-1) : undefined;
  return {
    items: shown.map((r) => toLeadView(r.key, readDocument(r.state))),
    nextCursor:
      last === undefined
        ? null
        : leadCursor.write(
            query.sort === 'score' || query.sort === '-score'
              ? [query.sort, last.score, last.key]
              : [query.sort, last.created_at, last.key],
          ),
  };
}

function placeAfter({ sort, cursor }: LeadListQuery): Fragment[] {
  if (cursor === undefined) return [];
  const order = orders[sort];
  const [, value, id] = cursor;
  const text = order.column === 'score' ? String(value) : new Date(value).toISOString();
  const compare = order.descending ? sql.fragment`<` : sql.fragment`>`;
  return [
    sql.fragment`(${sql.identifier([order.column])}, key) ${compare} (${text}::${sql.identifier([order.type])}, ${id}::uuid)`,
  ];
}

function filters(query: LeadListQuery): Fragment[] {
  const found: Fragment[] = [];
  const equals = (column: string, value: string | undefined): void => {
    if (value !== undefined) found.push(sql.fragment`${sql.identifier([column])} = ${value}`);
  };
  equals('stage', query.stage);
  equals('band', query.band);
  equals('icp_id', query.icpId);
  equals('source', query.source);
  equals('country', query.country);
  equals('email_status', query.emailStatus);
  if (query.status !== undefined) {
    const stages = leadStages.filter((stage) => statusOf(stage) === query.status);
    found.push(sql.fragment`stage = any(${texts(stages)}::text[])`);
  }
  if (query.scoreMin !== undefined) found.push(sql.fragment`score >= ${query.scoreMin}`);
  // An unscored lead stands at -1 and is below no limit.
  if (query.scoreMax !== undefined) found.push(sql.fragment`score between 0 and ${query.scoreMax}`);
  if (query.createdFrom !== undefined) found.push(sql.fragment`created_at >= ${query.createdFrom}::timestamptz`);
  if (query.createdTo !== undefined) found.push(sql.fragment`created_at < ${query.createdTo}::timestamptz`);
  if (query.updatedFrom !== undefined) found.push(sql.fragment`changed_at >= ${query.updatedFrom}::timestamptz`);
  if (query.updatedTo !== undefined) found.push(sql.fragment`changed_at < ${query.updatedTo}::timestamptz`);
  if (query.q !== undefined) found.push(sql.fragment`search like ${containing(query.q)}`);
  return found;
}

/** The column is in lower case already, so `like` finds what `ilike` would, without folding every row again. */
const containing = (q: string): string => `%${q.toLowerCase().replace(/[\\%_]/g, String.raw`\$&`)}%`;
