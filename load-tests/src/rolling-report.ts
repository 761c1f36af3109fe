/** The rolling restart in lines: who ended how, what stood still for how long, and what the judge says. */
import { createTable } from '@lead-flood/local';
import type { Everything } from '@lead-flood/local';
import { lengthOf } from './pauses.ts';
import type { Pause } from './pauses.ts';
import { runRolling, spread } from './scenarios/rolling.ts';

const SHOWN_MAX = 10;
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
const say = (pauses: readonly Pause[]): string => {
  const { p50, p95, max, count } = spread(pauses);
  return `p50 ${seconds(p50)}, p95 ${seconds(p95)}, max ${seconds(max)} over ${count}`;
};

export async function reportRolling(
  everything: Everything,
  record: (what: string, measured: string, budget?: string) => void,
): Promise<void> {
  const perSecond = Number(process.env['BENCH_LEADS_PER_SECOND'] ?? 500);
  const result = await runRolling(everything, { firstSeed: 20_000_000, perSecond, restPerSecond: 5 });
  const { restarts, pauses, steady, lookMsMax, violations, verdicts } = result;
  const table = createTable({ head: ['restarted', 'ended with', 'after', 'ready after'] });
  for (const { name, code, signal, endMs, readyMs } of restarts)
    table.push([name, signal ?? `code ${code}`, seconds(endMs), seconds(readyMs)]);
  process.stdout.write(`${verdicts.join('\n')}\n${table.toString()}\n`);
  for (const pause of pauses.toSorted((a, b) => lengthOf(b) - lengthOf(a)).slice(0, SHOWN_MAX))
    process.stdout.write(
      `${seconds(lengthOf(pause))} ${pause.group} ${pause.topic}/${pause.partition} from ${new Date(pause.from).toISOString()}\n`,
    );
  const orderly = restarts.filter(({ code }) => code === 0).length;
  record(
    `rolling restart of ${restarts.length} processes, ${Math.round(result.perSecond)} leads/s by Kafka, ${result.acked} by REST`,
    `${violations} violations after ${result.sent + result.acked} leads; ${orderly} ended with 0, the slowest after ${seconds(Math.max(...restarts.map(({ endMs }) => endMs)))}`,
    '0; all',
  );
  record('pause of a partition around a restart', `${say(pauses)} (to ${lookMsMax} ms)`, 'p95 5 s');
  record('the same under load alone', say(steady));
}
