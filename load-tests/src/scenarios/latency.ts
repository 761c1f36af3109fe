/** From handed in to shown with its score, at a quiet pace; the figures are analytics' own freshness door. */
import type { Everything } from '@lead-flood/local';
import { measure, processesOf, spent } from '../processes.ts';
import { streamLeads } from '../submissions.ts';

export type LatencyResult = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly coresShare: number;
};

const CORES = 2;

export async function runLatency(
  everything: Everything,
  options: { firstSeed: number; perSecond: number; seconds: number },
): Promise<LatencyResult> {
  const { addresses } = everything;
  const processes = processesOf(everything);
  const startedAt = performance.now();
  const before = measure(processes);
  await streamLeads(everything, {
    firstSeed: options.firstSeed,
    perSecond: options.perSecond,
    count: options.perSecond * options.seconds,
  });
  const cpuMs = [...spent(before, measure(processes)).values()].reduce((a, b) => a + b, 0);
  const elapsedMs = performance.now() - startedAt;
  const answer = await fetch(`${addresses.gateway}/v1/analytics/freshness`, {
    headers: { authorization: `Bearer ${addresses.apiKey}` },
  });
  const { projectionMs } = (await answer.json()) as { projectionMs: { p50: number; p99: number } | null };
  if (projectionMs === null) throw new Error(`no lead was projected: ${answer.status}`);
  return { perSecond: options.perSecond, ...projectionMs, coresShare: cpuMs / elapsedMs / CORES };
}
