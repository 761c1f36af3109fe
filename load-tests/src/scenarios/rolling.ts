/**
 * A rolling restart under load: two replicas of every service that reads topics, leads by Kafka and by REST, and every
 * process once told to end (SIGTERM), waited for and started again. What is lost or double say the invariants; how long
 * each partition stood still says pauses.ts.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serviceNames } from '@lead-flood/local';
import type { Everything, ManagedProcess, ServiceName } from '@lead-flood/local';
import { emptyJournal, postLead, toAcked } from '@lead-flood/test/generator';
import type { Acked } from '@lead-flood/test/generator';
import { groups, schemas } from '@lead-flood/test/groups';
import { judge, linesOf, violationsOf } from '@lead-flood/test/judge';
import { openWorld } from '@lead-flood/test/world';
import type { World } from '@lead-flood/test/world';
import { control } from '../control.ts';
import { lengthOf, longestIn, pausesOf, trackPlaces } from '../pauses.ts';
import type { Pause } from '../pauses.ts';
import { streamLeads } from '../submissions.ts';

export type RollingOptions = { readonly firstSeed: number; readonly perSecond: number; readonly restPerSecond: number };

export type Restarted = {
  readonly name: string;
  readonly service: ServiceName;
  readonly code: number | null;
  readonly signal: string | null;
  /** From SIGTERM to the end of the process. */
  readonly endMs: number;
  readonly readyMs: number;
  readonly from: number;
  readonly until: number;
};

export type RollingResult = {
  readonly sent: number;
  readonly acked: number;
  readonly perSecond: number;
  readonly restarts: readonly Restarted[];
  /** The longest pause of each partition that had something waiting, around each restart. */
  readonly pauses: readonly Pause[];
  /** The same over windows as long, before anything was restarted: what the load alone does. */
  readonly steady: readonly Pause[];
  readonly lookMsMax: number;
  readonly violations: number;
  readonly verdicts: readonly string[];
};

const GRACE_MS = 20_000;
const WARM_UP_MS = 10_000;
const STEADY_WINDOWS = 3;
const STEADY_MS = 8_000;
/** After a process is ready again: the time in which its group may still be dividing the partitions anew. */
const AFTER_MS = 5_000;
const SETTLE_MS = 300_000;
const LOOKUP_MS = { p50: 80, p99: 800 };

export async function runRolling(everything: Everything, options: RollingOptions): Promise<RollingResult> {
  const { product, addresses } = everything;
  for (const provider of ['apollo', 'hunter', 'pdl'])
    await control(everything, `providers/${provider}`, { dedupe: true, latencyMs: LOOKUP_MS });
  const members = new Map<ServiceName, ManagedProcess[]>();
  for (const name of serviceNames) {
    const first = product.processes.get(name);
    if (first === undefined) throw new Error(`${name} does not run`);
    members.set(name, name === 'ingest-gateway' ? [first] : [first, await product.replica(name)]);
  }
  const tracker = await trackPlaces(addresses.postgres, schemas);
  const ending = new AbortController();
  const journal = emptyJournal();
  const startedAt = Date.now();
  const byKafka = streamLeads(everything, {
    firstSeed: options.firstSeed,
    perSecond: options.perSecond,
    count: Number.MAX_SAFE_INTEGER,
    until: ending.signal,
  });
  const byRest = postLeads(everything, journal, options, ending.signal);
  await delay(WARM_UP_MS);
  const steadyFrom = Date.now();
  await delay(STEADY_WINDOWS * STEADY_MS);

  const restarts: Restarted[] = [];
  for (const [service, processes] of members)
    for (const process of processes) {
      restarts.push(await restartOne(service, process));
      await delay(AFTER_MS);
    }
  ending.abort();
  const { sent } = await byKafka;
  await byRest;
  const seconds = (Date.now() - startedAt) / 1_000;

  const { world, verdicts } = await judgeAll(everything, journal);
  try {
    const { tracks, lookMsMax } = await tracker.stop();
    const writtenAt = await timesOf(world);
    const all = tracks.flatMap((track) => pausesOf(track, writtenAt));
    return {
      sent,
      acked: journal.leads.size,
      perSecond: sent / seconds,
      restarts,
      pauses: restarts.flatMap(({ service, from, until }) =>
        longestIn(all, { groups: groupsOf(service), from, until: until + AFTER_MS }),
      ),
      steady: Array.from({ length: STEADY_WINDOWS }, (_, i) => steadyFrom + i * STEADY_MS).flatMap((from) =>
        longestIn(all, { groups: groups.map(({ name }) => name), from, until: from + STEADY_MS }),
      ),
      lookMsMax,
      violations: verdicts.reduce((sum, verdict) => sum + violationsOf(verdict).length, 0),
      verdicts: linesOf(verdicts),
    };
  } finally {
    await world.end();
  }
}

const groupsOf = (service: ServiceName): string[] =>
  groups.filter(({ schema }) => schema === service.replaceAll('-', '_')).map(({ name }) => name);

async function restartOne(service: ServiceName, process: ManagedProcess): Promise<Restarted> {
  const from = Date.now();
  process.kill('SIGTERM');
  // One that does not end by itself is ended by `restart`, and shows its signal.
  await Promise.race([process.exited, delay(GRACE_MS, undefined, { ref: false })]);
  const endMs = Date.now() - from;
  const { exited } = process;
  await process.restart();
  const { code, signal } = await exited;
  return { name: process.name, service, code, signal, endMs, readyMs: process.readyMs, from, until: Date.now() };
}

/** A careful client: what is not answered is asked again under the same key. */
async function postLeads(
  { addresses }: Everything,
  journal: Acked,
  { firstSeed, restPerSecond }: RollingOptions,
  until: AbortSignal,
): Promise<void> {
  const door = { url: addresses.gateway, apiKey: addresses.apiKey };
  const underWay: Promise<void>[] = [];
  // Above the streamed ones, so that nobody comes by both doors.
  for (let seed = firstSeed + 10_000_000; !until.aborted; seed += 1) {
    underWay.push(postLead(door, journal, seed));
    await delay(1_000 / restPerSecond);
  }
  await Promise.all(underWay);
}

async function judgeAll({ addresses, stack }: Everything, journal: Acked) {
  const world = await openWorld({
    kafka: addresses.kafka,
    postgres: addresses.postgres,
    registry: addresses.registry,
    sandbox: addresses.sandbox,
    logs: stack.directory,
    book: join(stack.directory, 'sandbox-accepted.ndjson'),
    acked: toAcked(journal),
    doubtsMax: 0,
    paidTwiceMax: 0,
  });
  return { world, verdicts: await judge(world, { settleMs: SETTLE_MS }) };
}

/** When each record was written, of everything that a group reads. */
async function timesOf(world: World): Promise<(topic: string, partition: number, offset: number) => number | null> {
  const times = new Map<string, Map<number, number>>();
  for (const topic of new Set(groups.flatMap(({ reads }) => reads)))
    for (const record of await world.records(topic)) {
      const at = `${topic}/${record.partition}`;
      const known = times.get(at) ?? new Map<number, number>();
      times.set(at, known.set(record.offset, record.timestamp));
    }
  return (topic, partition, offset) => times.get(`${topic}/${partition}`)?.get(offset) ?? null;
}

/** p50, p95 and the most, in milliseconds. */
export function spread(pauses: readonly Pause[]): { p50: number; p95: number; max: number; count: number } {
  const lengths = pauses.map(lengthOf).toSorted((a, b) => a - b);
  const at = (share: number): number => lengths[Math.min(lengths.length - 1, Math.floor(lengths.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), max: lengths.at(-1) ?? 0, count: lengths.length };
}
