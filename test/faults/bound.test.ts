/** The figures that are printed behind "0 of n". */
import { expect, it } from 'vitest';
import { sayBound, upperBound } from './bound.ts';
import { catalogue } from './catalogue/index.ts';
import { seeded } from './stage.ts';

it.each([
  [10, 0.259],
  [30, 0.095],
  [60, 0.049],
  [100, 0.03],
  [300, 0.01],
])('no failure in %i trials bounds its chance as the rule of three does', (trials, bound) => {
  expect(upperBound(0, trials)).toBeCloseTo(bound, 3);
});

it('a failure raises the bound, and nothing but failures leaves none', () => {
  expect(sayBound(0, 3)).toBe('0 of 3 (< 63.2 % at 95 %)');
  expect(upperBound(1, 30)).toBeCloseTo(0.149, 2);
  expect(upperBound(3, 3)).toBe(1);
});

it('a seed says everything that a trial leaves open', () => {
  const draw = (seed: number): number[] => {
    const random = seeded(seed);
    return Array.from({ length: 20 }, () => random.upTo(1_000));
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
});
