/** Does anything grow? The whole line at half its load for half an hour: memory, open files, and whether all came through. */
import { readdirSync } from 'node:fs';
import type { Everything } from '@lead-flood/local';
import { createCounter } from '../counts.ts';
import { median } from '../median.ts';
import { measure, processesOf } from '../processes.ts';
import { streamLeads } from '../submissions.ts';
import { drained } from './line.ts';

/** Of the second sixth of the time and of the last one: caches are filled by then. */
type Ends = { readonly early: number; readonly late: number };

export type Kept = {
  /** Medians. */
  readonly rssMb: Ends;
  readonly openFiles: Ends;
  /** What is left on V8's heap at its emptiest, shortly after a collection: what grows here is kept by somebody. */
  readonly heapMb: Ends | null;
};

export type SoakResult = {
  readonly minutes: number;
  readonly discovered: number;
  readonly projected: number;
  readonly processes: ReadonlyMap<string, Kept>;
};

const LOOK_EVERY_MS = 10_000;

type Look = { readonly rssMb: number; readonly openFiles: number; readonly heapMb: number | null };

function openFilesOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    // It ended while we looked.
    return 0;
  }
}

export async function runSoak(
  everything: Everything,
  { firstSeed, perSecond, minutes }: { firstSeed: number; perSecond: number; minutes: number },
): Promise<SoakResult> {
  const counter = await createCounter(everything.addresses.postgres);
  const before = await counter.read();
  const processes = processesOf(everything);
  const looks = new Map<string, Look[]>([...processes].map(([name]) => [name, []]));
  const look = async (): Promise<void> => {
    const usage = measure(processes);
    for (const [name, pids] of processes)
      looks.get(name)?.push({
        rssMb: usage.get(name)?.rssMb ?? 0,
        openFiles: pids().reduce((sum, pid) => sum + openFilesOf(pid), 0),
        heapMb: await heapMbOf(everything, name),
      });
  };
  const watch = setInterval(() => void look(), LOOK_EVERY_MS);
  await streamLeads(everything, { firstSeed, perSecond, count: Math.round(perSecond * minutes * 60) });
  clearInterval(watch);
  await look();
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
  const of = (value: (look: Look) => number) => ({ early: median(early.map(value)), late: median(late.map(value)) });
  const emptiest = (some: readonly Look[]): number => Math.min(...some.map(({ heapMb }) => heapMb ?? 0));
  return {
    rssMb: of((look) => look.rssMb),
    openFiles: of((look) => look.openFiles),
    heapMb: looks.some(({ heapMb }) => heapMb === null) ? null : { early: emptiest(early), late: emptiest(late) },
  };
}

/** As the service itself says; null for what is not one of ours. */
async function heapMbOf({ product }: Everything, name: string): Promise<number | null> {
  const address = Object.entries(product.operations).find(([service]) => service === name)?.[1];
  if (address === undefined) return null;
  const text = await (await fetch(`${address}/metrics`)).text();
  const bytes = /^\w*nodejs_heap_size_used_bytes(?:\{[^}]*\})? (\S+)/m.exec(text)?.[1];
  return bytes === undefined ? null : Number(bytes) / 2 ** 20;
}
