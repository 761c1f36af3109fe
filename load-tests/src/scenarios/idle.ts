/** What the processes cost when nobody wants anything. */
import type { Everything } from '@lead-flood/local';
import { measure, processesOf, spent } from '../processes.ts';

export type IdleResult = ReadonlyMap<string, { readonly corePercent: number; readonly rssMb: number }>;

export async function runIdle(everything: Everything, seconds: number): Promise<IdleResult> {
  const processes = processesOf(everything);
  const before = measure(processes);
  const startedAt = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const after = measure(processes);
  const elapsedMs = performance.now() - startedAt;
  return new Map(
    [...spent(before, after)].map(([name, cpuMs]) => [
      name,
      { corePercent: (100 * cpuMs) / elapsedMs, rssMb: after.get(name)?.rssMb ?? 0 },
    ]),
  );
}
