/**
 * `npm run bench -- peers`: the same five-stage line by everybody, in one run, in turns, on one stack. Rates are taken from
 * where a fifth of the first stage is done, so that a start is not measured, to the last row of the last stage, and over the
 * rows of all stages: some take a lead from end to end, some finish a stage before they begin the next. Processor time is
 * that of the worker and of all servers. Afterwards each is killed in the middle once, and what is missing or double is
 * counted by SQL.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { registerSchemas } from '@lead-flood/kafka';
import { repositoryRoot, startStack } from '@lead-flood/local';
import type { Stack } from '@lead-flood/local';
import { cpuMsOf } from '../processes.ts';
import { contenders } from './contenders.ts';
import type { Contender } from './contender.ts';
import { createPool, lastStage, makeLeads, readCounts, stages } from './stages.ts';
import type { Servers } from './stages.ts';

export type PeerResult = {
  readonly name: string;
  readonly note: string;
  /** Leads a second, one number a round. */
  readonly rates: readonly number[];
  /** Processor milliseconds a lead, worker and servers, one number a round. */
  readonly cpuMs: readonly number[];
  readonly afterKill: { readonly lost: number; readonly doubles: number } | null;
};

const ROUND_MS_MAX = 120_000;
/** A worker that has been killed may be noticed only after a session or lock has run out. */
const STANDSTILL_MS = 60_000;
const POLL_MS = 100;
const KILL_LEADS_MAX = 10_000;

export async function runPeers(options: {
  rounds: number;
  only: readonly string[];
  kill: boolean;
}): Promise<PeerResult[]> {
  const directory = mkdtempSync(join(tmpdir(), 'lead-flood-peers-'));
  const stack = await startStack({ directory });
  try {
    await registerSchemas(stack.addresses.registry);
    const taking = contenders.filter((one) => options.only.length === 0 || options.only.includes(one.name));
    const rounds = new Map(taking.map((one) => [one.name, [] as Measured[]]));
    for (let round = 0; round < options.rounds; round += 1)
      for (const contender of taking) {
        const measured = await measureOne(stack, contender, round);
        rounds.get(contender.name)?.push(measured);
        say(
          `round ${round + 1} ${contender.name}: ${Math.round(measured.rate)} leads/s, ${measured.cpuMs.toFixed(2)} ms`,
        );
      }
    const results: PeerResult[] = [];
    for (const contender of taking) {
      const measured = rounds.get(contender.name) ?? [];
      const afterKill = options.kill ? await killOne(stack, contender) : null;
      if (afterKill !== null) say(`kill ${contender.name}: ${afterKill.lost} lost, ${afterKill.doubles} double`);
      results.push({
        name: contender.name,
        note: contender.note,
        rates: measured.map((one) => one.rate),
        cpuMs: measured.map((one) => one.cpuMs),
        afterKill,
      });
    }
    return results;
  } finally {
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

type Measured = { readonly rate: number; readonly cpuMs: number };

function serversOf({ addresses }: Stack, run: string): Servers {
  const { kafka, registry, postgres, redis } = addresses;
  return { kafka, registry, postgres, redis, run };
}

function startWorker(contender: Contender, at: Servers): ChildProcess {
  const node = join(repositoryRoot, 'node_modules', '.bin', 'node');
  const script = join(import.meta.dirname, 'worker.ts');
  return spawn(node, [script, contender.name, JSON.stringify(at)], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function end(worker: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  worker.kill(signal);
  await ended;
}

async function measureOne(stack: Stack, contender: Contender, round: number): Promise<Measured> {
  const at = serversOf(stack, `${contender.name}-${round}`);
  await contender.prepare(at);
  await contender.seed(at, makeLeads(at.run, contender.leads));
  const worker = startWorker(contender, at);
  const cpu = (): number =>
    cpuMsOf([worker.pid ?? 0]) +
    [...stack.servers.values()].reduce((sum, server) => sum + cpuMsOf([server.pid], true), 0);
  const pool = createPool(at, 1);
  try {
    const until = Date.now() + ROUND_MS_MAX;
    const rowsOf = async (tables?: string[]): Promise<number> =>
      (await readCounts(pool, tables)).reduce((sum, { rows }) => sum + rows, 0);
    while ((await rowsOf(['stage_ingest'])) < contender.leads / 5 && Date.now() < until) await delay(POLL_MS);
    const first = { at: performance.now(), cpu: cpu(), leads: (await rowsOf()) / stages.length };
    while ((await rowsOf(['stage_project'])) < contender.leads && Date.now() < until) await delay(POLL_MS);
    const ms = performance.now() - first.at;
    const cpuMs = cpu() - first.cpu;
    const leads = (await rowsOf()) / stages.length - first.leads;
    return { rate: (leads / ms) * 1_000, cpuMs: cpuMs / leads };
  } finally {
    await end(worker, 'SIGTERM');
    await pool.end();
  }
}

/** Killed when two fifths of all rows are there, started again at once; then until all are there or nothing moves. */
async function killOne(stack: Stack, contender: Contender): Promise<{ lost: number; doubles: number }> {
  const at = serversOf(stack, `${contender.name}-kill`);
  const leads = Math.min(contender.leads, KILL_LEADS_MAX);
  await contender.prepare(at);
  await contender.seed(at, makeLeads(at.run, leads));
  const pool = createPool(at, 1);
  let worker = startWorker(contender, at);
  try {
    const done = async (): Promise<number> => (await readCounts(pool, ['stage_project']))[0]?.rows ?? 0;
    const all = async (): Promise<number> => (await readCounts(pool)).reduce((sum, { rows }) => sum + rows, 0);
    while ((await all()) < leads * stages.length * 0.4) await delay(POLL_MS / 4);
    await end(worker, 'SIGKILL');
    worker = startWorker(contender, at);
    let last = -1;
    let movedAt = Date.now();
    for (;;) {
      const now = await done();
      if (now > last) movedAt = Date.now();
      last = now;
      if (now >= leads || Date.now() - movedAt > STANDSTILL_MS) break;
      await delay(POLL_MS);
    }
    // What is repeated late is repeated after the last lead was seen.
    await delay(2_000);
    const counts = await readCounts(pool);
    return { lost: leads - (counts[lastStage]?.rows ?? 0), doubles: counts.reduce((sum, one) => sum + one.doubles, 0) };
  } finally {
    await end(worker, 'SIGKILL');
    await pool.end();
  }
}
