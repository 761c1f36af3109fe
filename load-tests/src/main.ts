/** `npm run bench`: every measurement of the line on this machine, in one run, with what it was measured on. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';

import { createTable, startEverything } from '@lead-flood/local';
import { BASELINE_ROUNDS, ratiosOf, readBaseline, worseThan, writeBaseline } from './baseline.ts';
import { diskUse } from './disk.ts';
import { median } from './median.ts';
import { runPeers } from './peers/run.ts';
import { sentenceOf } from './scenarios/figures.ts';
import { runGrowth } from './scenarios/growth.ts';
import { runIdle } from './scenarios/idle.ts';
import { runImport } from './scenarios/import.ts';
import { runLatency } from './scenarios/latency.ts';
import type { LineResult } from './scenarios/line.ts';
import { runLine } from './scenarios/line.ts';
import { runReplicas } from './scenarios/replicas.ts';
import { runRest } from './scenarios/rest.ts';
import { reportProfile } from './profile/report.ts';
import { reportRolling } from './rolling-report.ts';
import { runShell } from './scenarios/shell.ts';
import { runSoak } from './scenarios/soak.ts';
import { runSlowDatabase, runSlowProviders } from './scenarios/slow.ts';

const wanted = new Set(process.argv.slice(2));
const wants = (name: string): boolean => wanted.size === 0 || wanted.has(name);
const round = (value: number, digits = 0): string => value.toFixed(digits);
const rows: [string, string, string][] = [];
const record = (what: string, measured: string, budget = ''): void => {
  rows.push([what, measured, budget]);
  process.stdout.write(`${what}: ${measured}${budget === '' ? '' : `  (budget ${budget})`}\n`);
};

if (wanted.has('--check')) process.exit(await checkBaseline());
if (wanted.has('profile')) {
  await reportProfile();
  process.exit(0);
}
if (wanted.has('peers')) {
  await reportPeers([...wanted].filter((name) => name !== 'peers'));
  process.exit(0);
}

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
const directory = mkdtempSync(join(tmpdir(), 'lead-flood-bench-'));
const everything = await startEverything({
  preferUsualPorts: false,
  directory,
  env: { LOG_LEVEL: 'warn', UPLOAD_ROWS_MAX: '1000000', UPLOAD_BYTES_MAX: '1000000000' },
});
record('stack and seven services ready', `${round(everything.startMs / 1_000, 1)} s`, '< 25 s');

if (wants('idle')) {
  const idle = await runIdle(everything, 20);
  for (const [name, { corePercent, rssMb }] of idle)
    record(`idle ${name}`, `${round(corePercent, 1)} % of a core, ${round(rssMb)} MB`, '< 1 %, < 130 MB a service');
}
if (wants('rest')) {
  await runRest(everything, { firstSeed: 9_000_000, count: 3_000, perSecond: 500 });
  const paced = await runRest(everything, { firstSeed: 9_100_000, count: 15_000, perSecond: 1_500 });
  record(
    'POST /v1/leads at 1,500/s',
    `${round(paced.perSecond)}/s, p50 ${round(paced.p50)} ms, p99 ${round(paced.p99)} ms, answers ${JSON.stringify(paced.statuses)}`,
    '1,500/s at p99 100 ms',
  );
}
if (wants('latency')) {
  await runLatency(everything, { firstSeed: 8_000_000, perSecond: 200, seconds: 20 });
  const latency = await runLatency(everything, { firstSeed: 8_100_000, perSecond: 200, seconds: 40 });
  record(
    'submitted to projected at 200 leads/s',
    `p50 ${latency.p50} ms, p99 ${latency.p99} ms, ${round(latency.coresShare * 100)} % of two cores`,
    'p50 150, p99 400 ms, 60 %',
  );
}
if (wants('line')) {
  const before = await diskUse(everything.addresses.postgres, join(directory, 'kafka'));
  const options = {
    firstSeed: 1_000_000,
    perSecond: Number(process.env['BENCH_LEADS_PER_SECOND'] ?? 1_500),
    seconds: 60,
  };
  const line = await runLine(everything, options);
  reportLine(line);
  const after = await diskUse(everything.addresses.postgres, join(directory, 'kafka'));
  const bytes = (from: number, to: number): string => `${round((to - from) / line.discovered / 1_024, 1)} KiB`;
  record(
    'on disk for a lead',
    `Postgres ${bytes(before.postgresBytes, after.postgresBytes)}, Kafka ${bytes(before.kafkaBytes, after.kafkaBytes)} a replica`,
  );
}
if (wants('import')) {
  const options = { firstSeed: 10_000_000, leads: 300, leadsPerSecond: 15 };
  const rows = Number(process.env['BENCH_IMPORT_ROWS'] ?? 100_000);
  const { alone, beside, rowsPerSecond, gatewayMb } = await runImport(everything, { ...options, rows });
  record(
    `a small organisation beside an import of ${rows} rows: POST until shown with its score`,
    `p50 ${round(beside.p50)}, p99 ${round(beside.p99)} ms; alone p50 ${round(alone.p50)}, p99 ${round(alone.p99)} ms: ${round(beside.p99 / alone.p99, 1)} times`,
    '3 times',
  );
  record(
    `upload of ${rows} rows`,
    `${round(rowsPerSecond)} rows/s accepted; gateway ${round(gatewayMb.before)} MB before, ${round(gatewayMb.most)} MB at most`,
    'flat',
  );
}
// Asked for by name only: it takes minutes, and its load hides every other figure.
if (wanted.has('rolling')) await reportRolling(everything, record);
if (wanted.has('slow'))
  for (const run of [runSlowDatabase, runSlowProviders]) {
    const { what, waiting, seconds, rssMb, claims } = await run(everything);
    record(
      `${what}: ${waiting} messages wait after ${round(seconds)} s`,
      `${round(rssMb.before)} MB before, ${round(rssMb.most)} MB at most; ${claims} partitions claimed anew`,
      '+ 60 MB, 0',
    );
  }
if (wanted.has('soak')) {
  const perSecond = Number(process.env['BENCH_LEADS_PER_SECOND'] ?? 350);
  const minutes = Number(process.env['BENCH_SOAK_MINUTES'] ?? 30);
  const soak = await runSoak(everything, { firstSeed: 40_000_000, perSecond, minutes });
  for (const [name, { rssMb, openFiles, heapMb }] of soak.processes)
    record(
      `${minutes} minutes at ${perSecond} leads/s: ${name}`,
      `${round(rssMb.early)} MB, then ${round(rssMb.late)} MB${heapMb === null ? '' : `, of it on the heap at its emptiest ${round(heapMb.early)}, ${round(heapMb.late)}`}; ${openFiles.early} open files, then ${openFiles.late}`,
      'flat',
    );
  record('leads of these minutes', `${soak.discovered} discovered, ${soak.projected} projected`);
}
if (wants('shell')) {
  const shell = await runShell(everything, 200_000);
  record(
    'batch shell (scoring: state and outbox)',
    `${round(shell.perSecond)} messages/s over ${shell.messages}`,
    '20,000/s',
  );
}

// More than is carried, so that the line shows what it can.
const moreThanCarried = Number(process.env['BENCH_LEADS_PER_SECOND'] ?? 800);
if (wanted.has('growth')) {
  const unit = Number(process.env['BENCH_GROWTH_LEADS'] ?? 62_500);
  const sizes = [1, 2, 4, 8].map((times) => times * unit);
  const growth = runGrowth(everything, { firstSeed: 20_000_000, sizes, perSecond: moreThanCarried });
  for await (const { leads, gigabytes, ...figures } of growth)
    record(`${leads} leads in the tables (${round(gigabytes, 1)} GB)`, sentenceOf(figures));
}
if (wanted.has('replicas'))
  for await (const { replicas, ...figures } of runReplicas(everything, {
    firstSeed: 50_000_000,
    most: 3,
    perSecond: moreThanCarried,
  }))
    record(`${replicas} of every service that reads topics`, sentenceOf(figures));

await everything.stop();
rmSync(directory, { recursive: true, force: true });
const table = createTable({ head: ['what', 'measured', 'budget'] });
table.push(...rows);
const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${round(totalmem() / 2 ** 30)} GiB; Node ${process.version}; commit ${commit}; ${new Date().toISOString().slice(0, 10)}`;
process.stdout.write(`\n${machine}\n${table.toString()}\n`);
process.exit(0);

/** With `--write` besides, what was measured becomes the baseline. */
async function checkBaseline(): Promise<number> {
  const only = ['bare-loop', 'lead-flood'];
  const now = ratiosOf(await runPeers({ rounds: BASELINE_ROUNDS, only, kill: false }));
  process.stdout.write(`engine to bare loop: leads/s ${round(now.rate, 2)}, CPU a lead ${round(now.cpu, 2)}\n`);
  if (wanted.has('--write')) {
    writeBaseline(now);
    return 0;
  }
  const worse = worseThan(readBaseline(), now);
  process.stdout.write(worse.length === 0 ? 'not slower than the baseline\n' : `slower: ${worse.join('; ')}\n`);
  return worse.length === 0 ? 0 : 1;
}

/** Further words name contenders; without any all take part, in turns. */
async function reportPeers(only: readonly string[]): Promise<void> {
  const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
  const results = await runPeers({ rounds, only, kill: process.env['BENCH_KILL'] !== 'no' });
  const limit = median(results.find(({ name }) => name === 'bare-loop')?.rates ?? []);
  const peers = createTable({
    head: ['who', 'leads/s', 'of the limit', 'least to most', 'CPU ms a lead', 'lost', 'double', 'note'],
    colWidths: [24, 9, 14, 15, 15, 6, 8, 50],
    wordWrap: true,
  });
  for (const { name, rates, cpuMs, afterKill, note } of results)
    peers.push([
      name,
      round(median(rates)),
      Number.isNaN(limit) ? '' : round(median(rates) / limit, 2),
      `${round(Math.min(...rates))}-${round(Math.max(...rates))}`,
      round(median(cpuMs), 2),
      afterKill?.lost ?? '',
      afterKill?.doubles ?? '',
      note,
    ]);
  process.stdout.write(`${peers.toString()}\n`);
}

function reportLine(line: LineResult): void {
  const { perSecond } = line;
  record(
    `whole line, ${round(line.offeredPerSecond)} leads/s offered for ${round(line.seconds)} s`,
    `discovered ${round(perSecond.discovered)}, enriched ${round(perSecond.enriched)}, scored ${round(perSecond.scored)}, ended ${round(perSecond.ended)}, projected ${round(perSecond.projected)} a second; ${round(line.cores, 2)} cores`,
    '2,000/s',
  );
  const total = [...line.cpuMsPerLead.values()].reduce((a, b) => a + b, 0);
  for (const [name, ms] of [...line.cpuMsPerLead].toSorted(([, a], [, b]) => b - a))
    record(`CPU per lead: ${name}`, `${round(ms, 3)} ms, ${round(line.rssMb.get(name) ?? 0)} MB`);
  record('CPU per lead, all processes', `${round(total, 2)} ms`);
}
