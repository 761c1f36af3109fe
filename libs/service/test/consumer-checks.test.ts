/** `/ready` tells a group that stands from one that works, whatever it stands for. */
import { describe, expect, it } from 'vitest';
import { consumerChecks } from '../src/consumer-checks.ts';

const NOW = 10_000_000;

async function failing(facts: { halted?: string; failingForMs?: number; silentForMs?: number }): Promise<string[]> {
  const running = {
    halted: () => facts.halted ?? null,
    failingSince: () => (facts.failingForMs === undefined ? null : NOW - facts.failingForMs),
    lastSeenAt: () => NOW - (facts.silentForMs ?? 0),
    stop: () => Promise.resolve(),
  };
  const checks = consumerChecks(
    () => [{ startable: { group: 'scoring' }, running }],
    () => NOW,
  );
  const told = await Promise.allSettled(checks.map(async (check) => check.run()));
  return checks.flatMap(({ name }, i) => (told[i]?.status === 'rejected' ? [name] : []));
}

describe('a consumer group', () => {
  it('that works is ready, also while it repeats for less than a minute', async () => {
    expect(await failing({})).toEqual([]);
    expect(await failing({ failingForMs: 59_000 })).toEqual([]);
  });

  it('that has repeated for a minute without getting on is not', async () => {
    expect(await failing({ failingForMs: 61_000 })).toEqual(['progress']);
  });

  it('that was stopped, or is not heard of, is told as such', async () => {
    expect(await failing({ halted: '12 of 13' })).toEqual(['consumers']);
    expect(await failing({ silentForMs: 6_000 })).toEqual(['kafka']);
  });
});
