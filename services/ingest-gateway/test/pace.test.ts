/** Looks at a line and the pace they lead to, on a line that is only played: two minutes pass in no time. */
import { describe, expect, it } from 'vitest';
import { adjust, freshRate } from '../src/domain/admission-rate.ts';
import type { Place } from '../src/domain/line-wait.ts';
import { lineOf, nothingSeen } from '../src/domain/line-wait.ts';

const PER_SECOND_MAX = 50_000;
const [STEP_MS, TOLD_EVERY_MS, LOOK_EVERY_MS, END_MS] = [50, 500, 500, 120_000];

type Group = { came: number; passed: number; told: number; readonly perSecond: number };

/**
 * Every lead passes discovery; a share of them is new and goes on to scoring. Gives pace and leads in the queue before
 * scoring at each look.
 */
function play({ share, scoring: slowest }: { share: number; scoring: number }): { pace: number; queue: number }[] {
  const discovery: Group = { came: 0, passed: 0, told: 0, perSecond: 1_000_000 };
  const scoring: Group = { came: 0, passed: 0, told: 0, perSecond: slowest };
  const placeOf = (group: string, { came, told }: Group): Place => ({
    group,
    topic: `before ${group}`,
    partition: 0,
    place: Math.floor(told),
    end: Math.floor(came),
  });
  const looks: { pace: number; queue: number }[] = [];
  let rate = freshRate(PER_SECOND_MAX);
  let seen = nothingSeen;
  for (let at = STEP_MS; at <= END_MS; at += STEP_MS) {
    discovery.came += (rate.perSecond * STEP_MS) / 1_000;
    for (const group of [discovery, scoring]) {
      const before = group.passed;
      group.passed = Math.min(group.came, before + (group.perSecond * STEP_MS) / 1_000);
      if (group === discovery) scoring.came += (group.passed - before) * share;
      if (at % TOLD_EVERY_MS === 0) group.told = group.passed;
    }
    // Between two tellings: something is always untold while messages flow.
    if (at % LOOK_EVERY_MS !== 200) continue;
    const [line, now] = lineOf(seen, [placeOf('discovery', discovery), placeOf('scoring', scoring)], at);
    seen = now;
    rate = adjust(rate, line, PER_SECOND_MAX);
    looks.push({ pace: rate.perSecond, queue: scoring.came - scoring.passed });
  }
  return looks;
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;

describe('the pace of an import', () => {
  it.each([1, 0.75, 0.5, 0.1, 0])('rises on an idle line to whatever it takes: %d of the leads are new', (share) => {
    expect(play({ share, scoring: 1_000_000 }).at(-1)?.pace).toBe(50_000);
  });

  it.each([1, 0.5, 0.1])('is that of a slow group, where %d of the leads come to it', (share) => {
    const later = play({ share, scoring: 100 }).slice(60);
    const paces = later.map(({ pace }) => pace);
    expect(mean(paces)).toBeGreaterThan((100 / share) * 0.5);
    expect(mean(paces)).toBeLessThan((100 / share) * 1.2);
    // In seconds of its work: what a single lead beside the import waits.
    expect(Math.max(...later.map(({ queue }) => queue)) / 100).toBeLessThan(3);
  });
});
