/** The judge of speed-ups and slow-downs; the measuring itself is `npm run bench -- --check`. */
import { describe, expect, it } from 'vitest';
import { ratiosOf, readBaseline, worseThan } from '../src/baseline.ts';

const result = (name: string, rates: number[], cpuMs: number[]) => ({ name, note: '', rates, cpuMs, afterKill: null });

describe('the baseline', () => {
  it('compares within a round, and takes the middle of the rounds', () => {
    const now = ratiosOf([
      result('bare-loop', [1_000, 2_000, 4_000], [0.2, 0.2, 0.4]),
      result('lead-flood', [800, 1_000, 3_600], [0.3, 0.2, 0.5]),
    ]);
    expect(now).toEqual({ rate: 0.8, cpu: 1.25 });
  });

  it('says who did not take part, and does not take a round without an end for a ratio', () => {
    expect(() => ratiosOf([result('bare-loop', [1], [1])])).toThrow('lead-flood did not take part');
    expect(() => ratiosOf([result('bare-loop', [1], [1]), result('lead-flood', [0], [Number.NaN])])).toThrow();
  });

  it('fails on a drop of more than 15 %, in either', () => {
    const before = { rate: 0.8, cpu: 1.2 };
    expect(worseThan(before, { rate: 0.69, cpu: 1.4 })).toEqual([]);
    expect(worseThan(before, { rate: 0.67, cpu: 1.2 })).toEqual(['leads/s: 0.67 of the bare loop, was 0.80']);
    expect(worseThan(before, { rate: 0.9, cpu: 1.5 })).toEqual(['CPU a lead: 1.50 of the bare loop, was 1.20']);
  });

  it('stands in the repository', () => {
    expect(readBaseline().rate).toBeGreaterThan(0);
  });
});
