/** Repeating what fails for a passing reason: how often, with which pauses, and what is not repeated. */
import { describe, expect, it } from 'vitest';
import { InvariantError, TransientError } from '@lead-flood/kernel';
import { growingPauseMs, isConflict, repeat } from '@lead-flood/postgres';

const conflict = () => Object.assign(new Error('could not serialize'), { code: '40001' });

describe('a transaction', () => {
  const failing = (errors: readonly Error[]) => {
    const left = [...errors];
    const pauses: number[] = [];
    const told: string[] = [];
    const run = repeat(() => (left.length === 0 ? Promise.resolve('done') : Promise.reject(left.shift() as Error)), {
      mayPass: isConflict,
      triesMax: 3,
      pauseMs: (tries) => tries * 10,
      onFailure: (error) => told.push(error.name),
      sleep: (ms) => Promise.resolve(void pauses.push(ms)),
    });
    return { run, pauses, told };
  };

  it('is repeated while it conflicts, with a pause that grows, and its failures are told', async () => {
    const { run, pauses, told } = failing([conflict(), conflict()]);
    expect(await run).toBe('done');
    expect(pauses).toEqual([10, 20]);
    expect(told).toEqual([TransientError.name, TransientError.name]);
  });

  it('is given up after its last try, with the last error', async () => {
    const { run, pauses } = failing([conflict(), conflict(), conflict()]);
    await expect(run).rejects.toMatchObject({ code: 'PGS_ERR_CONFLICT' });
    expect(pauses).toEqual([10, 20]);
  });

  it('is not repeated where another try changes nothing', async () => {
    const { run, pauses, told } = failing([new InvariantError('a bug')]);
    await expect(run).rejects.toBeInstanceOf(InvariantError);
    expect([pauses, told]).toEqual([[], [InvariantError.name]]);
  });
});

describe('a growing pause', () => {
  it('doubles up to its bound, with half of it as jitter either way', () => {
    const pause = growingPauseMs({ first: 10, max: 35 });
    for (const [tries, ms] of [
      [1, 10],
      [2, 20],
      [3, 35],
      [9, 35],
    ] as const)
      for (let i = 0; i < 50; i += 1) {
        expect(pause(tries)).toBeGreaterThanOrEqual(ms / 2);
        expect(pause(tries)).toBeLessThanOrEqual(ms * 1.5);
      }
  });
});
