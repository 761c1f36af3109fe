/** CPU time and memory of the product's processes, read from /proc: the same clock for ours, Kafka's and Postgres'. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Everything } from '@lead-flood/local';

const TICKS_PER_SECOND = 100;

export type Usage = { readonly cpuMs: number; readonly rssMb: number };

/** Process ids by name; Postgres is its postmaster with all children. */
export function processesOf({ product, stack }: Everything): Map<string, () => number[]> {
  const found = new Map<string, () => number[]>();
  for (const [name, process] of product.processes) found.set(name, () => [process.pid]);
  for (const [name, server] of stack.servers) found.set(name, () => [server.pid, ...childrenOf(server.pid)]);
  return found;
}

/** Processor time so far, with that of the children where they count as one (Postgres). */
export const cpuMsOf = (pids: readonly number[], withChildren = false): number =>
  pids
    .flatMap((pid) => (withChildren ? [pid, ...childrenOf(pid)] : [pid]))
    .reduce((sum, pid) => sum + (statOf(pid)?.cpuMs ?? 0), 0);

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => statOf(pid)?.parent === parent);
}

function statOf(pid: number): { parent: number; cpuMs: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold spaces; the fields behind it do not.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = [11, 12, 13, 14].map((i) => Number(fields[i])).reduce((a, b) => a + b, 0);
    return { parent: Number(fields[1]), cpuMs: (ticks * 1_000) / TICKS_PER_SECOND };
  } catch {
    // It ended while we looked.
    return null;
  }
}

function rssOf(pid: number): number {
  try {
    return Number(/Pss:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

export function measure(processes: ReadonlyMap<string, () => number[]>): Map<string, Usage> {
  return new Map(
    [...processes].map(([name, pids]) => {
      const ids = pids();
      const cpuMs = ids.reduce((sum, pid) => sum + (statOf(pid)?.cpuMs ?? 0), 0);
      return [name, { cpuMs, rssMb: ids.reduce((sum, pid) => sum + rssOf(pid), 0) }];
    }),
  );
}

/** CPU used between two measurements, by name. */
export const spent = (before: ReadonlyMap<string, Usage>, after: ReadonlyMap<string, Usage>): Map<string, number> =>
  new Map([...after].map(([name, usage]) => [name, usage.cpuMs - (before.get(name)?.cpuMs ?? 0)]));
