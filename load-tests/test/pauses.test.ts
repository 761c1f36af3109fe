/** What counts as a pause; the looking itself is `npm run bench -- rolling`. */
import { describe, expect, it } from 'vitest';
import { lengthOf, longestIn, pausesOf } from '../src/pauses.ts';
import type { Track } from '../src/pauses.ts';

const track = (...steps: [at: number, offset: number, finished?: number][]): Track => ({
  group: 'scoring',
  topic: 'enrichment.lead.v1',
  partition: 0,
  steps: steps.map(([at, offset, finished = 0]) => ({ at, offset, finished })),
});
/** Record n was written at n seconds. */
const everySecond = (_topic: string, _partition: number, offset: number): number | null =>
  offset < 10 ? offset * 1_000 : null;

describe('a pause', () => {
  it('begins with the message that waits, not with the last one that was done', () => {
    expect(pausesOf(track([0, 3], [3_400, 4]), everySecond)).toMatchObject([{ from: 3_000, until: 3_400 }]);
  });

  it('is none while nothing waits', () => {
    expect(pausesOf(track([0, 10], [60_000, 11]), everySecond)).toEqual([]);
  });

  it('ends with any progress, also beyond the place', () => {
    expect(pausesOf(track([5_000, 2], [5_100, 2, 1], [9_000, 4]), everySecond).map(lengthOf)).toEqual([100, 3_900]);
  });

  it('counts once for a partition and a restart, at its longest', () => {
    const pauses = pausesOf(track([0, 1], [1_500, 2], [4_000, 3], [4_100, 4]), everySecond);
    const window = { groups: ['scoring'], from: 1_000, until: 2_500 };
    expect(longestIn(pauses, window).map(lengthOf)).toEqual([2_000]);
    expect(longestIn(pauses, { ...window, groups: ['discovery'] })).toEqual([]);
    expect(longestIn(pauses, { ...window, from: 10_000, until: 20_000 })).toEqual([]);
  });
});
