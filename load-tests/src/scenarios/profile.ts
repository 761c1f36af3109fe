/**
 * Where the processor time of a lead goes: every Node process under V8's sampling profiler while the whole line runs, Postgres
 * with its own account of statements. The profiler itself takes a few hundredths, so rates are taken elsewhere.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Everything } from '@lead-flood/local';
import { createDatabase, sql } from '@lead-flood/postgres';
import { createCounter } from '../counts.ts';
import { measure, processesOf, spent } from '../processes.ts';
import { flameGraph } from '../profile/flame-graph.ts';
import { nowUs, readCpuProfile } from '../profile/cpu-profile.ts';
import { byMove } from '../profile/moves.ts';
import { streamLeads } from '../submissions.ts';

export type Statement = {
  /** As it was sent; of all schemas together. */
  readonly text: string;
  readonly callsPerSecond: number;
  /** Time in the server, which is nearly all processor time where nothing waits for a lock. */
  readonly msPerLead: number;
};

/** What one table is written, a scored lead. */
export type TableWrites = {
  readonly table: string;
  readonly inserted: number;
  readonly updated: number;
  /** Of the updated: those that touched no index. */
  readonly hot: number;
  readonly deleted: number;
};

export type ProfileResult = {
  readonly scoredPerSecond: number;
  /** Process, move: milliseconds of a scored lead. */
  readonly moves: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** All processes, servers included. */
  readonly cpuMsPerLead: ReadonlyMap<string, number>;
  readonly commitsPerSecond: number;
  readonly statements: readonly Statement[];
  readonly tables: readonly TableWrites[];
  readonly pictures: string;
};

export type ProfileOptions = {
  readonly firstSeed: number;
  readonly perSecond: number;
  readonly seconds: number;
  /** Where the profiles lie, and the pictures come. */
  readonly folder: string;
};

const WARM_UP_MS = 10_000;
const STATEMENTS = 25;
const SAMPLE_US = 500;

/** What `startEverything` needs for it. */
export const profileEnvironment = (folder: string): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder} --cpu-prof-interval=${SAMPLE_US}`,
});
export const profilePostgres = { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.track': 'all' };

/** Ends the product: V8 writes a profile when its process ends. */
export async function runProfile(everything: Everything, options: ProfileOptions): Promise<ProfileResult> {
  const { folder, perSecond, seconds } = options;
  const { postgres } = everything.addresses;
  const counter = await createCounter(postgres);
  const database = await createDatabase({
    url: postgres,
    schema: 'public',
    applicationName: 'load-tests',
    connectionsMax: 1,
  });
  await database.query(sql.unsafe`create extension if not exists pg_stat_statements`);
  const commits = (): Promise<number> =>
    database.oneFirst(sql.type(z.object({ commits: z.number() }))`
      select sum(xact_commit)::int8 as commits from pg_stat_database
    `);

  const processes = processesOf(everything);
  const count = Math.round(perSecond * (seconds + WARM_UP_MS / 1_000 + 2));
  const streaming = streamLeads(everything, { firstSeed: options.firstSeed, perSecond, count });
  await delay(WARM_UP_MS);
  await database.query(sql.unsafe`select pg_stat_statements_reset()`);
  const tablesBefore = await readTables(database);
  const before = { us: nowUs(), usage: measure(processes), counts: await counter.read(), commits: await commits() };
  await delay(seconds * 1_000);
  const after = { us: nowUs(), usage: measure(processes), counts: await counter.read(), commits: await commits() };
  const leads = Math.max(1, after.counts.scored - before.counts.scored);
  const passedSeconds = (after.us - before.us) / 1_000_000;
  const statements = await readStatements(database, leads, passedSeconds);
  const tables = writesBetween(tablesBefore, await readTables(database), leads);
  const cpuMsPerLead = new Map([...spent(before.usage, after.usage)].map(([name, ms]) => [name, ms / leads]));
  await streaming;
  await counter.end();
  await database.end();

  const names = new Map([...everything.product.processes].map(([name, { pid }]) => [pid, name]));
  await everything.product.stop();
  const pictures = join(folder, 'flame-graphs');
  mkdirSync(pictures, { recursive: true });
  const moves = new Map<string, ReadonlyMap<string, number>>();
  for (const file of readdirSync(folder).filter((entry) => entry.endsWith('.cpuprofile'))) {
    // CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile
    const [, , , pid, thread] = file.split('.');
    const name = names.get(Number(pid));
    if (name === undefined || thread !== '0') continue;
    const root = readCpuProfile(join(folder, file), { fromUs: before.us, untilUs: after.us });
    writeFileSync(join(pictures, `${name}.svg`), flameGraph(`${name}, ${perSecond} leads/s`, root));
    // Samples are taken by the wall's clock, also while the process waits for a core: only shares are taken from them.
    const sampled = byMove(root);
    const all = [...sampled.values()].reduce((a, b) => a + b, 0);
    const own = cpuMsPerLead.get(name) ?? 0;
    moves.set(name, new Map([...sampled].map(([move, ms]) => [move, (ms / all) * own])));
  }
  return {
    scoredPerSecond: leads / passedSeconds,
    moves,
    cpuMsPerLead,
    commitsPerSecond: (after.commits - before.commits) / passedSeconds,
    statements,
    tables,
    pictures,
  };
}

const statementRow = z.object({ text: z.string(), calls: z.number(), ms: z.number() });

async function readStatements(
  database: Awaited<ReturnType<typeof createDatabase>>,
  leads: number,
  seconds: number,
): Promise<readonly Statement[]> {
  const rows = await database.any(sql.type(statementRow)`
    select regexp_replace(trim(left(query, 300)), '\\s+', ' ', 'g') as text,
      sum(calls)::int8 as calls, sum(total_exec_time)::float8 as ms
    from pg_stat_statements
    where query not like '%pg_stat_statements%'
    group by text
    order by ms desc
    limit ${STATEMENTS}
  `);
  return rows.map(({ text, calls, ms }) => ({
    text,
    callsPerSecond: calls / seconds,
    msPerLead: ms / leads,
  }));
}

const tableRow = z.object({
  table: z.string(),
  inserted: z.number(),
  updated: z.number(),
  hot: z.number(),
  deleted: z.number(),
});

/** The outbox's days count as one table. */
async function readTables(database: Awaited<ReturnType<typeof createDatabase>>): Promise<readonly TableWrites[]> {
  return database.any(sql.type(tableRow)`
    select schemaname || '.' || regexp_replace(relname, '_[0-9]{8}$', '') as table, sum(n_tup_ins)::int8 as inserted,
      sum(n_tup_upd)::int8 as updated, sum(n_tup_hot_upd)::int8 as hot, sum(n_tup_del)::int8 as deleted
    from pg_stat_user_tables
    group by 1
  `);
}

function writesBetween(before: readonly TableWrites[], after: readonly TableWrites[], leads: number): TableWrites[] {
  const earlier = new Map(before.map((one) => [one.table, one]));
  const all = (one: TableWrites): number => one.inserted + one.updated + one.deleted;
  return after
    .map((one) => {
      const of = (kind: 'inserted' | 'updated' | 'hot' | 'deleted'): number =>
        (one[kind] - (earlier.get(one.table)?.[kind] ?? 0)) / leads;
      return {
        table: one.table,
        inserted: of('inserted'),
        updated: of('updated'),
        hot: of('hot'),
        deleted: of('deleted'),
      };
    })
    .filter((one) => all(one) > 0.005)
    .toSorted((a, b) => all(b) - all(a));
}
