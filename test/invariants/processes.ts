/** I11. What the processes say of themselves: no error that nobody caught, and no growth of heap or handles. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Invariant, Violation } from './invariant.ts';
import { CannotCheck, finding } from './invariant.ts';
import type { Measurement, World } from './world.ts';

const GROWTH_MAX = 0.05;
/** One more socket to the broker is no leak. */
const HANDLES_SPARE = 5;
const HEAP_SPARE_BYTES = 32 * 1_048_576;

const UNCAUGHT = /"message":"(uncaught exception|unhandled rejection)"|UnhandledPromiseRejection/;

export const processes: Invariant = {
  name: 'I11',
  sentence: 'No rejection or exception went uncaught; heap and handles have not grown by more than 5 %.',
  atRest: false,
  async check(world) {
    const files = logFiles(world);
    const growth = await grown(world);
    if (files === null && growth === null)
      throw new CannotCheck('neither logs nor metrics of the services are at hand');
    const uncaught = (files ?? []).flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, i) => (UNCAUGHT.test(line) ? [{ id: `${basename(file)}:${i + 1}`, what: 'uncaught' }] : [])),
    );
    return finding(
      files?.length ?? 0,
      [...uncaught, ...(growth ?? [])],
      [
        files === null ? 'no logs at hand' : null,
        growth === null ? 'growth: no earlier measurement to compare with' : null,
      ],
    );
  },
};

export function logFiles(world: Pick<World, 'logs'>): string[] | null {
  const { logs } = world;
  if (logs === undefined) return null;
  return readdirSync(logs)
    .filter((name) => name.endsWith('.log'))
    .map((name) => join(logs, name));
}

/** Heap and handles of each service now; to be compared with once it is warm, since pools open with the first work. Garbage is no growth, hence the spare bytes. */
export async function measure(operations: Readonly<Record<string, string>>): Promise<Measurement> {
  const entries = await Promise.all(
    Object.entries(operations).map(async ([name, url]) => {
      const page = await (await fetch(`${url}/metrics`)).text();
      const value = (metric: string): number =>
        Number(new RegExp(`^${metric}\\{[^}]*\\} (\\S+)`, 'm').exec(page)?.[1] ?? 0);
      return [
        name,
        { heapBytes: value('nodejs_heap_size_used_bytes'), handles: value('nodejs_active_handles_total') },
      ] as const;
    }),
  );
  return Object.fromEntries(entries);
}

async function grown({ baseline, operations }: World): Promise<Violation[] | null> {
  if (baseline === undefined || operations === undefined) return null;
  return growth(baseline, await measure(operations));
}

export function growth(baseline: Measurement, now: Measurement): Violation[] {
  return Object.entries(baseline).flatMap(([id, before]) => {
    const after = now[id];
    if (after === undefined) return [{ id, what: 'was measured and is no more' }];
    const heap = after.heapBytes > before.heapBytes * (1 + GROWTH_MAX) + HEAP_SPARE_BYTES;
    const handles = after.handles > before.handles * (1 + GROWTH_MAX) + HANDLES_SPARE;
    return [
      ...(heap ? [{ id, what: `heap grew from ${before.heapBytes} to ${after.heapBytes} bytes` }] : []),
      ...(handles ? [{ id, what: `handles grew from ${before.handles} to ${after.handles}` }] : []),
    ];
  });
}
