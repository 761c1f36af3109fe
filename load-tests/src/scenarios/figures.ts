/** The two figures that are measured again and again while something else changes: a quiet pace, then more than is carried. */
import type { Everything } from '@lead-flood/local';
import type { LatencyResult } from './latency.ts';
import { runLatency } from './latency.ts';
import type { LineResult } from './line.ts';
import { runLine } from './line.ts';

export type Figures = { readonly line: LineResult; readonly latency: LatencyResult };

/** Of `perSecond` only the line speaks: the quiet pace is the budget's. */
export type FiguresOptions = { readonly firstSeed: number; readonly perSecond: number };

/** Takes as many seeds as are named here, from `firstSeed`. */
export const SEEDS_OF_FIGURES = 1_000_000;

export async function runFigures(everything: Everything, { firstSeed, perSecond }: FiguresOptions): Promise<Figures> {
  // Once for nothing: what has just been changed is not in anybody's cache.
  await runLatency(everything, { firstSeed, perSecond: 200, seconds: 10 });
  const latency = await runLatency(everything, { firstSeed: firstSeed + 100_000, perSecond: 200, seconds: 20 });
  const line = await runLine(everything, { firstSeed: firstSeed + 200_000, perSecond, seconds: 25 });
  return { line, latency };
}

export function sentenceOf({ line, latency }: Figures): string {
  const cpuMs = [...line.cpuMsPerLead.values()].reduce((sum, ms) => sum + ms, 0);
  const { scored, projected } = line.perSecond;
  return (
    `scored ${scored.toFixed(0)}, projected ${projected.toFixed(0)} a second, ${cpuMs.toFixed(2)} ms CPU a lead; ` +
    `at ${latency.perSecond}/s p50 ${latency.p50} ms, p99 ${latency.p99} ms, ${(latency.coresShare * 100).toFixed(0)} % of two cores`
  );
}
