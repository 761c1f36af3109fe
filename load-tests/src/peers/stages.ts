/**
 * The line that every contender runs: five durable stages, a lead of about 600 bytes, one row a stage and lead. A stage
 * that sees a lead again counts it (`times`), so that doubles are found afterwards by SQL and not by anybody's word.
 *
 *   ingest ──▶ enrich ──▶ score ──▶ act ──▶ project
 */
import pg from 'pg';
import { derivedId } from '@lead-flood/kernel';

export const stages = ['ingest', 'enrich', 'score', 'act', 'project'] as const;
export const lastStage = stages.length - 1;

export type Lead = { readonly id: string; readonly data: string };

const DATA_CHARS = 560;

export const makeLeads = (run: string, count: number): Lead[] =>
  Array.from({ length: count }, (_, i) => {
    const id = derivedId('peers', run, i);
    return { id, data: `${run} ${i} ${id} `.padEnd(DATA_CHARS, 'lead data of no meaning, ') };
  });

export type Servers = {
  readonly kafka: string;
  readonly registry: string;
  readonly postgres: string;
  readonly redis: string;
  /** Tells the runs of one stack apart: schema, queues and topics carry it. */
  readonly run: string;
};

export const schemaOf = (run: string): string => `peer_${run.replaceAll('-', '_')}`;

export const createPool = (at: Servers, max = 10): pg.Pool =>
  new pg.Pool({ connectionString: at.postgres, max, options: `-c search_path=${schemaOf(at.run)}` });

export async function createTables(at: Servers): Promise<void> {
  const pool = createPool(at, 1);
  await pool.query(`create schema if not exists ${schemaOf(at.run)}`);
  for (const stage of stages)
    await pool.query(
      `create table if not exists stage_${stage} (lead_id uuid primary key, data text not null, times int not null default 1)`,
    );
  await pool.end();
}

export async function saveRows(
  queries: Pick<pg.ClientBase, 'query'>,
  stage: number,
  leads: readonly Lead[],
): Promise<void> {
  const unique = [...new Map(leads.map((lead) => [lead.id, lead])).values()];
  const name = stages[stage] ?? '';
  await queries.query({
    name: `save-${name}`,
    text: `insert into stage_${name} as t (lead_id, data) select * from unnest($1::uuid[], $2::text[])
           on conflict (lead_id) do update set times = t.times + 1`,
    values: [unique.map((lead) => lead.id), unique.map((lead) => lead.data)],
  });
}

export type StageCounts = { readonly rows: number; readonly doubles: number };

/** Of each stage: how many leads, and how many of them more than once. */
export async function readCounts(
  pool: pg.Pool,
  tables = stages.map((stage) => `stage_${stage}`),
): Promise<StageCounts[]> {
  const counts: StageCounts[] = [];
  for (const table of tables) {
    const { rows } = await pool.query<{ rows: number; doubles: number }>(
      `select count(*)::int as rows, count(*) filter (where times > 1)::int as doubles from ${table}`,
    );
    counts.push(rows[0] ?? { rows: 0, doubles: 0 });
  }
  return counts;
}
