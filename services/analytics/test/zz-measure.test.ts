import { readFileSync, readdirSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { it } from 'vitest';
import { z } from 'zod';
import { randomId, systemClock } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import type { AnyInput } from '@lead-flood/processor';
import { erase } from '@lead-flood/processor';
import type { TestEvent } from '@lead-flood/testing';
import { createTestDatabase, sampleDiscovered, sampleEnriched, sampleId, sampleOrg, sampleScored, samplePerson } from '@lead-flood/testing';
import { fold } from '../../../libs/processor/src/fold.ts';
import { createFreshness } from '../src/freshness.ts';
import { createAnalytics } from '../src/processor.ts';
import { listLeads } from '../src/lead-list.ts';
import { readFunnel } from '../src/funnel.ts';
import { leadListQuery } from '@lead-flood/contracts';
import { migrations } from './harness.ts';
import { at, message, taskStory } from './story.ts';

const attempts = [
  { provider: 'apollo', status: 'miss', confidence: null, latencyMs: 40, costMicros: 0 },
  { provider: 'hunter', status: 'hit', confidence: 0.95, latencyMs: 60, costMicros: 4_000 },
];
const fields = ['person.fullName', 'person.phone', 'person.title', 'company.industry'].map((name) => ({ name, provider: 'hunter', confidence: 0.95, observedAt: at(0) }));
const reasons = ['the e-mail address is verified', 'the contact data is near certain', 'there is a phone number', 'there is a LinkedIn profile', 'the company has 50 people or more', 'the role is known'].map((text, i) => ({ ruleId: `default-${i}email`, text, passed: i % 2 === 0, contribution: 16.67 }));
const life = (leadId: string, i: number): TestEvent[] => {
  const person = samplePerson({ email: `person${i}@aurora.se.example`, fullName: `Person Number${i}` });
  return [
    { name: 'LeadDiscovered', data: sampleDiscovered({ leadId, person, discoveredAt: at(i), attributes: { campaign: 'fair-2026', row: String(i) } }) },
    { name: 'LeadEnriched', data: sampleEnriched({ leadId, person, attempts, fields, costMicros: 4000 }) },
    { name: 'LeadScored', data: sampleScored({ leadId, person, reasons, value: i % 100, band: i % 3 === 0 ? 'HIGH' : 'LOW' }) },
    { name: 'MessageSent', data: message(leadId, 1, at(100)) },
    taskStory(leadId, sampleId('t', leadId), 100, 'X')[0] as TestEvent,
  ];
};
const toEvent = ({ name, data }: TestEvent, version: number): AnyInput => ({ name, id: randomId(), key: (data as { leadId: string }).leadId, orgId: data.orgId, version, correlationId: 'c', causationId: null, traceparent: null, source: name, publishedAt: at(0), data });

let postmaster = '';
const findPostmaster = async (database: Awaited<ReturnType<typeof createTestDatabase>>['database']) => {
  const pid = await database.oneFirst(sql.type(z.object({ p: z.int() }))`select pg_backend_pid() as p`);
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  postmaster = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? '';
};
const profile = async (work: () => Promise<void>) => {
  const session = new Session(); session.connect();
  await session.post('Profiler.enable'); await session.post('Profiler.start');
  await work();
  const { profile: p } = await session.post('Profiler.stop');
  const self = new Map<string, number>();
  const total = p.timeDeltas!.reduce((a, b) => a + b, 0);
  const byId = new Map(p.nodes.map((n) => [n.id, n]));
  p.samples!.forEach((id, i) => { const f = byId.get(id)!.callFrame; const k = `${f.functionName} ${f.url.split('/').slice(-2).join('/')}:${f.lineNumber}`; self.set(k, (self.get(k) ?? 0) + p.timeDeltas![i]!); });
  console.log([...self].sort((a, b) => b[1] - a[1]).slice(0, 22).map(([k, v]) => `${((v / total) * 100).toFixed(1)}% ${k}`).join('\n'));
};
const pgCpuMs = (): number => {
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((n) => /^\d+$/.test(n))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      if (!stat.includes('(postgres)')) continue;
      const f = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (f[1] !== postmaster) continue;
      ticks += Number(f[11]) + Number(f[12]);
    } catch { /* gone */ }
  }
  return ticks * 10;
};

async function measure(label: string, batches: TestEvent[][], database: Awaited<ReturnType<typeof createTestDatabase>>['database']) {
  const p = erase(createAnalytics(createFreshness(systemClock)));
  const spent = { load: 0, fold: 0, save: 0 };
  let events = 0; let rowsSaved = 0;
  const versions = new Map<string, number>();
  const pg0 = pgCpuMs(); const cpu0 = process.cpuUsage(); const t0 = performance.now();
  const prepared = batches.map((batch) => batch.map((e) => { const k = e.name + (e.data as { leadId: string }).leadId; const v = (versions.get(k) ?? 0) + 1; versions.set(k, v); return toEvent(e, v); }));
  const cpu1 = process.cpuUsage(cpu0);
  const c0 = process.cpuUsage();
  for (const inputs of prepared) {
    await database.transaction(async (tx) => {
      const prep = await p.prepare!(tx, inputs);
      const a = performance.now();
      const loaded = await p.store.load(tx, [...new Set(prep.map((x) => x.key))]);
      const b = performance.now();
      const folded = fold(p, { encode: () => Buffer.alloc(0) }, inputs.map((event, i) => ({ event, prepared: prep[i]!, guarded: true, decide: (s: never, ctx: never) => p.decide[event.name]!(s, event, ctx) })) as never, loaded as never, at(0));
      const c = performance.now();
      await p.store.save(tx, folded.saves as never);
      const d = performance.now();
      spent.load += b - a; spent.fold += c - b; spent.save += d - c; events += inputs.length; rowsSaved += folded.saves.length;
    });
  }
  const cpu = process.cpuUsage(c0);
  const us = (ms: number): string => ((ms * 1000) / events).toFixed(1);
  const size = await database.oneFirst(sql.type(z.object({ n: z.number() }))`select avg(octet_length(state))::float8 as n from lead_models`);
  console.log(label, { events, rowsSaved, nodeCpuUs: us((cpu.user + cpu.system) / 1000), pgCpuUs: us(pgCpuMs() - pg0), loadUs: us(spent.load), foldUs: us(spent.fold), saveUs: us(spent.save), stateBytes: Math.round(size) });
  void t0; void cpu1;
}

it('measures', async () => {
  const { database, drop } = await createTestDatabase({ schema: 'analytics', migrations });
  const lives = (n: number, from: number) => Array.from({ length: n }, (_, i) => life(sampleId('m', from + i), from + i));
  const together = (ls: TestEvent[][]): TestEvent[] => [0, 1, 2, 3, 4].flatMap((k) => ls.flatMap((l) => l[k] ?? []));
  await findPostmaster(database);
  if (process.env['SETUP']) for (const one of process.env['SETUP'].split(';')) await database.query({ ...sql.unsafe`select 1`, sql: one } as never);
  // warm
  await measure('warm', Array.from({ length: 20 }, (_, b) => together(lives(200, b * 200))), database);
  await measure('A 1000 events, 200 new leads a batch', Array.from({ length: 50 }, (_, b) => together(lives(200, 10_000 + b * 200))), database);
  // pipeline: 3 events over 333 leads: discovered of this cohort, enriched+scored of previous ...
  const cohorts = Array.from({ length: 60 }, (_, b) => lives(200, 100_000 + b * 200));
  const bWork = () => measure('B 1000 events over 600 rows (three batches a lead)', Array.from({ length: 58 }, (_, b) => [
    ...(cohorts[b + 2] ?? []).flatMap((l) => [l[0]!]), ...(cohorts[b + 1] ?? []).flatMap((l) => [l[1]!, l[2]!]), ...(cohorts[b] ?? []).flatMap((l) => [l[3]!, l[4]!])]), database);
  if (process.env['PROFILE']) await profile(bWork); else await bWork();
  const c5 = Array.from({ length: 44 }, (_, b) => lives(200, 200_000 + b * 200));
  await measure('C 1000 events over 1000 rows (every event its own save)', Array.from({ length: 40 }, (_, b) => [0, 1, 2, 3, 4].flatMap((k) => (c5[b + 4 - k] ?? []).flatMap((l) => [l[k]!]))), database);
  const D = Array.from({ length: 40 }, (_, b) => lives(300, 300_000 + b * 300));
  const dWork = () => measure('D 1000 events over 300 leads', D.map((ls) => [...[0, 1, 2].flatMap((k) => ls.flatMap((l) => [l[k]!])), ...ls.slice(0, 100).flatMap((l) => [l[3]!])]), database);
  if (process.env['PROFILE']) await profile(dWork); else await dWork();
  const big = process.env['BIG'] === '1';
  if (big) {
    for (let r = 0; r < 5; r += 1) await measure('fill', Array.from({ length: 100 }, (_, b) => together(lives(200, 1_000_000 + r * 20_000 + b * 200))), database);
    await database.query(sql.unsafe`analyze lead_models`);
    const n = await database.oneFirst(sql.type(z.object({ n: z.int() }))`select count(*) as n from lead_models`);
    const time = async (label: string, work: () => Promise<unknown>) => { await work(); const t = performance.now(); await work(); console.log(label, n, (performance.now() - t).toFixed(1), 'ms'); };
    await time('funnel', () => readFunnel(database, { orgId: sampleOrg, isAdmin: false }, {}));
    const q = (o: object) => leadListQuery.parse(o);
    await time('list default', () => listLeads(database, sampleOrg, q({})));
    await time('list -score', () => listLeads(database, sampleOrg, q({ sort: '-score' })));
    await time('list q common', () => listLeads(database, sampleOrg, q({ q: 'number12' })));
    await time('list q nothing', () => listLeads(database, sampleOrg, q({ q: 'nobody has this' })));
    await time('list rare filter', () => listLeads(database, sampleOrg, q({ country: 'FR' })));
    console.log(await database.one(sql.type(z.object({ t: z.string(), i: z.string(), r: z.number(), groups: z.int() }))`select pg_size_pretty(pg_table_size('lead_models')) as t, pg_size_pretty(pg_indexes_size('lead_models')) as i, (pg_table_size('lead_models')/count(*))::float8 as r, count(distinct tally)::int as groups from lead_models`));
    console.log(await database.any(sql.type(z.object({ r: z.string() }))`select n_tup_upd || ' updates, hot ' || n_tup_hot_upd as r from pg_stat_user_tables where relname = 'lead_models'`));
  }
  await drop();
}, 300_000);
