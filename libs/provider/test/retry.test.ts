/** The computed backoff (X-RT-05), Retry-After in both spellings, and what is not tried again. */
import { TransientError } from '@lead-flood/kernel';
import { describe, expect, test, vi } from 'vitest';
import { backoffMs, nextDelayMs, readRetryAfter, retry, retryDefaults } from '../src/retry.ts';

const { signal } = new AbortController();
const failure = (retryAfterMs?: number): TransientError =>
  new TransientError('PRV_ERR_FAILED', 'down', retryAfterMs === undefined ? {} : { retryAfterMs });

describe('[X-RT-05] computed backoff', () => {
  test('the ceilings double from the base: 2 s, 4 s, 8 s, and stop at the cap', () => {
    const ceilings = [0, 1, 2, 3, 40].map((attempt) => backoffMs(attempt, { baseMs: 2_000, capMs: 10_000 }, () => 1));
    expect(ceilings).toEqual([2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  test('full jitter: the whole range from nothing to the ceiling', () => {
    expect([0, 0.25, 0.5].map((random) => backoffMs(1, { baseMs: 100, capMs: 2_000 }, () => random))).toEqual([
      0, 50, 100,
    ]);
  });

  test('Retry-After is the floor, the jitter goes on top; a longer one than allowed ends the call', () => {
    expect(nextDelayMs(failure(800), 0, retryDefaults, () => 0)).toBe(800);
    expect(nextDelayMs(failure(800), 0, retryDefaults, () => 0.5)).toBe(850);
    expect(nextDelayMs(failure(1_001), 0, retryDefaults, () => 0)).toBeNull();
    expect(nextDelayMs(failure(), 2, retryDefaults, () => 0)).toBeNull();
  });
});

test.each([
  ['7', 7_000],
  ['0', 0],
  ['Wed, 21 Oct 2026 07:28:10 GMT', 10_000],
  ['Wednesday, 21-Oct-26 07:28:10 GMT', 10_000],
  ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
  ['Wed, 21 Oct 2099 07:27:00 GMT', 86_400_000],
  ['999999999', 86_400_000],
  ['-5', null],
  ['1.5', null],
  ['soon 7', null],
  ['', null],
])('Retry-After %j is %s ms', (header, expected) => {
  expect(readRetryAfter(header, Date.parse('Wed, 21 Oct 2026 07:28:00 GMT'))).toBe(expected);
});

test('waits what was computed, and throws the last error when the tries are used up', async () => {
  const waits: number[] = [];
  const attempt = vi.fn<(tries: number) => Promise<never>>(() => Promise.reject(failure(500)));
  const sleep = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms));
  const work = retry({ attempt, mayRetry: () => true, options: retryDefaults, signal, random: () => 0.5, sleep });
  await expect(work).rejects.toMatchObject({ retryAfterMs: 500 });
  expect(waits).toEqual([550, 600]);
  expect(attempt.mock.calls).toEqual([[0], [1], [2]]);
});

test('a caller who gives up during the wait gets the last error, at once', async () => {
  const caller = new AbortController();
  const work = retry({
    attempt: () => Promise.reject(failure()),
    mayRetry: () => true,
    options: { ...retryDefaults, baseMs: 3_600_000, capMs: 3_600_000 },
    signal: caller.signal,
    random: () => 1,
  });
  setImmediate(() => caller.abort());
  await expect(work).rejects.toMatchObject({ code: 'PRV_ERR_FAILED' });
});
