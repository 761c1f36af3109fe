/**
 * The same figures with more and more leads in the tables. Some thousand leads go through the line for real; then their rows
 * are copied under other ids, in every schema, until a size is reached, and the line is measured again. What is copied is
 * as real as its template, but comes in one piece: the tables are dense, and nothing of them is warm.
 */
import { z } from 'zod';
import type { Everything } from '@lead-flood/local';
import { createDatabase, sql } from '@lead-flood/postgres';
import type { Database } from '@lead-flood/postgres';
import { createCounter } from '../counts.ts';
import { streamLeads } from '../submissions.ts';
import type { Figures, FiguresOptions } from './figures.ts';
import { runFigures, SEEDS_OF_FIGURES } from './figures.ts';

export type GrowthResult = Figures & { readonly leads: number; readonly gigabytes: number };

export type GrowthOptions = FiguresOptions & {
  /** Leads in the tables, ascending. */
  readonly sizes: readonly number[];
};

const TEMPLATE_LEADS = 5_000;
/** Leads whose copies are one statement. */
const COPIES_AT_ONCE = 10;

type Copied = { readonly table: string; readonly ids: readonly string[]; readonly texts?: readonly string[] };

/** What a lead leaves behind, and which columns must differ from copy to copy. */
const tables: readonly Copied[] = [
  { table: 'discovery.leads', ids: ['key'] },
  { table: 'discovery.identity_keys', ids: ['lead_id'], texts: ['value'] },
  { table: 'discovery.lead_discovery_records', ids: ['submission_id', 'lead_id'], texts: ['natural_key'] },
  { table: 'enrichment.lead_enrichments', ids: ['key'] },
  { table: 'enrichment.enrichment_attempts', ids: ['lead_id'] },
  { table: 'enrichment.contact_points', ids: ['lead_id'] },
  { table: 'scoring.lead_scores', ids: ['key'] },
  { table: 'scoring.lead_feature_snapshots', ids: ['lead_id'] },
  { table: 'outreach.conversations', ids: ['key', 'thread_id'] },
  { table: 'outreach.delivery_attempts', ids: ['message_id', 'lead_id'] },
  { table: 'analytics.lead_models', ids: ['key'] },
];

export async function* runGrowth(everything: Everything, options: GrowthOptions): AsyncGenerator<GrowthResult> {
  const { firstSeed, perSecond } = options;
  const database = await createDatabase({
    url: everything.addresses.postgres,
    schema: 'public',
    applicationName: 'load-tests',
    connectionsMax: 2,
  });
  const counter = await createCounter(everything.addresses.postgres);
  try {
    await streamLeads(everything, { firstSeed, perSecond: 300, count: TEMPLATE_LEADS });
    while ((await counter.read()).projected < TEMPLATE_LEADS * 0.99)
      await new Promise((resolve) => setTimeout(resolve, 500));
    for (const one of tables) await keepTemplate(database, one);
    let copies = 0;
    for (const [i, leads] of options.sizes.entries()) {
      copies = await growTo(database, leads, copies);
      const seed = firstSeed + (i + 1) * SEEDS_OF_FIGURES;
      const figures = await runFigures(everything, { firstSeed: seed, perSecond });
      yield { leads, gigabytes: await sizeOf(database), ...figures };
    }
  } finally {
    await counter.end();
    await database.end();
  }
}

const identifier = (table: string) => sql.identifier(table.split('.'));
const templateOf = (table: string) => sql.identifier(['public', `template_${table.replace('.', '_')}`]);

async function keepTemplate(database: Database, { table }: Copied): Promise<void> {
  await database.query(sql.unsafe`create table ${templateOf(table)} as select * from ${identifier(table)}`);
}

const counted = sql.type(z.object({ n: z.int() }));
const leadsIn = (database: Database): Promise<number> =>
  database.oneFirst(counted`select count(*)::int as n from discovery.leads`);

/** Copies the template as often as is needed for the size; gives the number of the last copy. */
async function growTo(database: Database, leads: number, copied: number): Promise<number> {
  const template = await database.oneFirst(counted`
    select count(*)::int as n from ${templateOf('discovery.leads')}
  `);
  const missing = Math.max(0, Math.ceil((leads - (await leadsIn(database))) / template));
  for (let from = copied + 1; from <= copied + missing; from += COPIES_AT_ONCE) {
    const until = Math.min(copied + missing, from + COPIES_AT_ONCE - 1);
    for (const one of tables) await copyRows(database, one, from, until);
  }
  for (const { table } of tables) await database.query(sql.unsafe`vacuum analyze ${identifier(table)}`);
  return copied + missing;
}

const column = z.object({ name: z.string(), type: z.string() });

async function copyRows(database: Database, { table, ids, texts = [] }: Copied, from: number, until: number) {
  const [schema = '', name = ''] = table.split('.');
  const columns = await database.any(sql.type(column)`
    select column_name as name, udt_name as type from information_schema.columns
    where table_schema = ${schema} and table_name = ${name} and is_identity = 'NO' and is_generated = 'NEVER'
    order by ordinal_position
  `);
  const values = columns.map(({ name: one }) => {
    const from_ = sql.identifier([one]);
    if (ids.includes(one)) return sql.fragment`md5(${from_}::text || copy)::uuid`;
    return texts.includes(one) ? sql.fragment`${from_} || copy` : sql.fragment`${from_}`;
  });
  const names = columns.map(({ name: one }) => sql.identifier([one]));
  await database.query(sql.unsafe`
    insert into ${identifier(table)} (${sql.join(names, sql.fragment`, `)})
    select ${sql.join(values, sql.fragment`, `)}
    from ${templateOf(table)}, generate_series(${from}::int, ${until}::int) as copy
    on conflict do nothing
  `);
}

const sizeOf = async (database: Database): Promise<number> =>
  (await database.oneFirst(
    sql.type(z.object({ n: z.number() }))`select pg_database_size(current_database())::float8 as n`,
  )) /
  2 ** 30;
