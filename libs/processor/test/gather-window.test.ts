/** No chapter: one part alone. How long the shells wait between two fetches, told by sequences of fetches. */
import { describe, expect, it } from 'vitest';
import { createGatherWindow } from '../src/gather-window.ts';

/** Feeds fetches of these sizes, each beginning `gapMs` after the one before has ended; answers the windows. */
function windows(maxMs: number, sizes: readonly number[], gapMs = 0): number[] {
  const window = createGatherWindow(maxMs);
  let now = 1_000;
  return sizes.map((messages) => {
    const beganAt = now + gapMs;
    now = beganAt + 3;
    return Math.round(window.next({ messages, beganAt, endedAt: now }));
  });
}

describe('the gather window', () => {
  it('is short for a message on a quiet line', () => {
    expect(windows(40, [1, 1, 1], 500)).toEqual([5, 5, 5]);
  });

  it('grows to its limit while batches are small and follow each other', () => {
    expect(windows(40, [1, 5, 5, 5, 5, 5, 5, 5])).toEqual([5, 8, 11, 17, 25, 38, 40, 40]);
  });

  it('is short again after a large batch, which is worth its cost', () => {
    expect(windows(40, [1, 5, 5, 900, 5])).toEqual([5, 8, 11, 5, 8]);
  });

  it('never exceeds what is configured, nothing included', () => {
    expect(windows(0, [1, 5, 5])).toEqual([0, 0, 0]);
  });
});
