/**
 * What V8's sampling profiler wrote (`--cpu-prof`), as time by stack. Times are microseconds of the clock that all processes
 * of a machine share, so the samples of one window can be taken from every process.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const file = z.object({
  nodes: z.array(
    z.object({
      id: z.int(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.int() }),
      children: z.array(z.int()).optional(),
    }),
  ),
  startTime: z.number(),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
});

export type Frame = { readonly name: string; readonly url: string };

/** A call tree: own time, and what was called. */
export type Call = {
  readonly frame: Frame;
  selfUs: number;
  readonly calls: readonly Call[];
};

export type Window = { readonly fromUs: number; readonly untilUs: number };

export const nowUs = (): number => Number(process.hrtime.bigint() / 1_000n);

export function readCpuProfile(path: string, { fromUs, untilUs }: Window): Call {
  const { nodes, samples, timeDeltas, startTime } = file.parse(JSON.parse(readFileSync(path, 'utf8')));
  const selfUs = new Map<number, number>();
  let at = startTime;
  samples.forEach((id, i) => {
    at += timeDeltas[i] ?? 0;
    // A sample stands for the time until the next one.
    if (at >= fromUs && at < untilUs) selfUs.set(id, (selfUs.get(id) ?? 0) + Math.max(0, timeDeltas[i + 1] ?? 0));
  });
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const toCall = (id: number): Call => {
    const node = byId.get(id);
    if (node === undefined) throw new Error(`${path}: no node ${id}`);
    const { functionName, url } = node.callFrame;
    return {
      frame: { name: functionName === '' ? '(anonymous)' : functionName, url },
      selfUs: selfUs.get(id) ?? 0,
      calls: (node.children ?? []).map(toCall),
    };
  };
  const root = nodes[0];
  if (root === undefined) throw new Error(`${path}: an empty profile`);
  return toCall(root.id);
}
