/** The whole line of seven services: leads a second sustained, and what each process pays for a lead. */
import type { Everything } from '@lead-flood/local';
import { createCounter } from '../counts.ts';
import type { Counts } from '../counts.ts';
import { measure, processesOf, spent } from '../processes.ts';
import { streamLeads } from '../submissions.ts';

export type LineResult = {
  readonly offeredPerSecond: number;
  readonly seconds: number;
  /** Leads that came through in all, warm-up and rest included. */
  readonly discovered: number;
  /** Growth of each count, a second. */
  readonly perSecond: Counts;
  /** Of a lead that was scored; its messages and calls are in it. */
  readonly cpuMsPerLead: ReadonlyMap<string, number>;
  readonly cores: number;
  /** Most memory seen at the end, MB. */
  readonly rssMb: ReadonlyMap<string, number>;
};

const WARM_UP_MS = 8_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function runLine(
  everything: Everything,
  options: { firstSeed: number; perSecond: number; seconds: number },
): Promise<LineResult> {
  const counter = await createCounter(everything.addresses.postgres);
  const processes = processesOf(everything);
  const count = Math.round(options.perSecond * (options.seconds + WARM_UP_MS / 1_000 + 2));
  const start = await counter.read();
  const streaming = streamLeads(everything, { firstSeed: options.firstSeed, perSecond: options.perSecond, count });
  await sleep(WARM_UP_MS);
  const begin = { at: performance.now(), counts: await counter.read(), usage: measure(processes) };
  await sleep(options.seconds * 1_000);
  const end = { at: performance.now(), counts: await counter.read(), usage: measure(processes) };
  await streaming;
  await drained(counter.read);
  const { discovered } = await counter.read();
  await counter.end();
  const seconds = (end.at - begin.at) / 1_000;
  const growth = (name: keyof Counts): number => (end.counts[name] - begin.counts[name]) / seconds;
  const perSecond: Counts = {
    discovered: growth('discovered'),
    enriched: growth('enriched'),
    scored: growth('scored'),
    projected: growth('projected'),
    ended: growth('ended'),
  };
  const cpu = spent(begin.usage, end.usage);
  const leads = Math.max(1, perSecond.scored * seconds);
  return {
    offeredPerSecond: options.perSecond,
    seconds,
    discovered: discovered - start.discovered,
    perSecond,
    cpuMsPerLead: new Map([...cpu].map(([name, ms]) => [name, ms / leads])),
    cores: [...cpu.values()].reduce((a, b) => a + b, 0) / (seconds * 1_000),
    rssMb: new Map([...end.usage].map(([name, usage]) => [name, usage.rssMb])),
  };
}

/** Waits until everything that was discovered has an end, or nothing moves any more. */
export async function drained(read: () => Promise<Counts>, deadlineMs = 180_000): Promise<void> {
  const until = Date.now() + deadlineMs;
  let last = '';
  let still = 0;
  while (Date.now() < until && still < 10) {
    const counts = await read();
    const text = JSON.stringify(counts);
    still = text === last ? still + 1 : 0;
    last = text;
    if (counts.ended >= counts.discovered && counts.projected >= counts.discovered && still > 2) return;
    await sleep(1_000);
  }
}
