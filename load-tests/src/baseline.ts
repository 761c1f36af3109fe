/**
 * `npm run bench -- --check`: has the engine become slower? It runs the five-stage line in turns with the bare loop on one
 * stack, so what is compared with the baseline in the repository are ratios of the same run; the machine's moods drop out.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { median } from './median.ts';
import type { PeerResult } from './peers/run.ts';

/** Of the engine to the bare loop: the median over rounds of one round's ratio. */
export const ratios = z.strictObject({
  /** Leads a second; more is better. */
  rate: z.number().positive(),
  /** Processor time a lead over all processes; less is better. */
  cpu: z.number().positive(),
});
export type Ratios = z.infer<typeof ratios>;

export const BASELINE_ROUNDS = 5;
const DROP_MAX = 0.15;
const file = join(import.meta.dirname, '../baselines.json');

/** Throws where one of the two did not take part, or a round came to nothing. */
export function ratiosOf(results: readonly PeerResult[]): Ratios {
  const of = (name: string): PeerResult => {
    const found = results.find((one) => one.name === name);
    if (found === undefined) throw new Error(`${name} did not take part`);
    return found;
  };
  const [engine, bare] = [of('lead-flood'), of('bare-loop')];
  return ratios.parse({
    rate: median(engine.rates.map((rate, round) => rate / (bare.rates[round] ?? Number.NaN))),
    cpu: median(engine.cpuMs.map((cpu, round) => cpu / (bare.cpuMs[round] ?? Number.NaN))),
  });
}

/** What got worse by more than 15 %, in words; none is good. */
export function worseThan(baseline: Ratios, now: Ratios): readonly string[] {
  const told = (what: string, value: number, before: number): string =>
    `${what}: ${value.toFixed(2)} of the bare loop, was ${before.toFixed(2)}`;
  return [
    ...(now.rate < baseline.rate * (1 - DROP_MAX) ? [told('leads/s', now.rate, baseline.rate)] : []),
    ...(now.cpu > baseline.cpu / (1 - DROP_MAX) ? [told('CPU a lead', now.cpu, baseline.cpu)] : []),
  ];
}

export const readBaseline = (): Ratios => ratios.parse(JSON.parse(readFileSync(file, 'utf8')));

export function writeBaseline(now: Ratios): void {
  const rounded = { rate: Number(now.rate.toFixed(3)), cpu: Number(now.cpu.toFixed(3)) };
  writeFileSync(file, `${JSON.stringify(rounded, null, 2)}\n`);
}
