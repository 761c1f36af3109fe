/** Does anything grow? The whole line at half its load for half an hour: memory, open files, and what waits at the end. */
import { readdirSync } from 'node:fs';
import type { Everything } from '@lead-flood/local';
import { createCounter } from '../counts.ts';
import { measure, processesOf } from '../processes.ts';
import { streamLeads } from '../submissions.ts';
import { drained } from './line.ts';

export type Kept = {
  /** Medians of the second sixth and of the last one: caches are filled by then. */
  readonly rssMb: { readonly early: number; readonly late: number };
  readonly openFiles: { readonly early: number; readonly late: number };
};

export type SoakResult = {
  readonly minutes: number;
  readonly discovered: number;
  readonly projected: number;
  readonly processes: ReadonlyMap<string, Kept>;
};

const LOOK_EVERY_MS = 10_000;

type Look = { readonly rssMb: number; readonly openFiles: number };

function openFilesOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    // It ended while we looked.
    return 0;
  }
}

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

export async function runSoak(
  everything: Everything,
  { firstSeed, perSecond, minutes }: { firstSeed: number; perSecond: number; minutes: number },
): Promise<SoakResult> {
  const counter = await createCounter(everything.addresses.postgres);
  const before = await counter.read();
  const processes = processesOf(everything);
  const looks = new Map<string, Look[]>([...processes].map(([name]) => [name, []]));
  const look = (): void => {
    const usage = measure(processes);
    for (const [name, pids] of processes)
      looks.get(name)?.push({
        rssMb: usage.get(name)?.rssMb ?? 0,
        openFiles: pids().reduce((sum, pid) => sum + openFilesOf(pid), 0),
      });
  };
  const watch = setInterval(look, LOOK_EVERY_MS);
  await streamLeads(everything, { firstSeed, perSecond, count: Math.round(perSecond * minutes * 60) });
  clearInterval(watch);
  look();
  await drained(counter.read);
  const after = await counter.read();
  await counter.end();
  return {
    minutes,
    discovered: after.discovered - before.discovered,
    projected: after.projected - before.projected,
    processes: new Map([...looks].map(([name, all]) => [name, keptOf(all)])),
  };
}

function keptOf(looks: readonly Look[]): Kept {
  const sixth = Math.max(1, Math.floor(looks.length / 6));
  const early = looks.slice(sixth, 2 * sixth);
  const late = looks.slice(-sixth);
  const of = (value: (look: Look) => number) => ({ early: middle(early.map(value)), late: middle(late.map(value)) });
  return { rssMb: of((look) => look.rssMb), openFiles: of((look) => look.openFiles) };
}
