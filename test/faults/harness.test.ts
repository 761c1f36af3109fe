/** What the harness allows a trial, and what it asks to be seen of it: on made-up trials. */
import { expect, it } from 'vitest';
import { allowed } from './allowed.ts';
import { grownAtRest, larger } from './growth.ts';
import { counting, noSigns, sumOf, unseen } from './signs.ts';

const fault = { doubtsMax: 64, paidTwiceMax: 128 };
const happened = { hit: new Set<never>(), dedupe: false, disturbed: 0 };

it('a trial may leave in doubt what it cut off: messages where it hit outreach, lookups where it hit enrichment', () => {
  expect(allowed(fault, happened)).toEqual({ doubtsMax: 0, paidTwiceMax: 0 });
  expect(allowed(fault, { ...happened, hit: new Set(['scoring']) })).toEqual({ doubtsMax: 0, paidTwiceMax: 0 });
  expect(allowed(fault, { ...happened, hit: new Set(['outreach']) })).toEqual({ doubtsMax: 64, paidTwiceMax: 0 });
  const both = { ...happened, hit: new Set(['outreach', 'enrichment'] as const) };
  expect(allowed(fault, both)).toEqual({ doubtsMax: 64, paidTwiceMax: 128 });
  // Nothing is paid twice to a provider that knows our keys.
  expect(allowed(fault, { ...both, dedupe: true, disturbed: 3 })).toEqual({ doubtsMax: 67, paidTwiceMax: 0 });
});

it('a fault that names no sign, and one whose sign does not come, are complained of', async () => {
  expect(await unseen(noSigns())).toEqual(['names nothing by which it could be seen']);
  expect(await unseen({ ...noSigns(), hidden: ['nobody can tell'] })).toEqual([]);
  expect(await unseen({ ...noSigns(), lines: [{ service: 'scoring', shows: 'ready' }] })).toEqual([]);
  const sign = (seen: boolean) => ({ what: 'a count', seen: () => Promise.resolve(seen) });
  expect(await unseen({ ...noSigns(), others: [sign(true), sign(false)] })).toEqual(['cannot be seen: a count']);
});

it('a count is the sum of the series that match, and must have grown', async () => {
  const page = (n: number): string =>
    `# HELP m_total all of it\nm_total{group="a",outcome="duplicate"} ${n}\nm_total{group="b",outcome="duplicate"} 2\nm_total{group="a"} 9`;
  expect(sumOf(page(1), /^m_total\{.*outcome="duplicate"/)).toBe(3);
  let n = 1;
  const sign = await counting({ service: 'x', metrics: () => Promise.resolve(page(n)) }, /^m_total\{.*group="a"/);
  expect(await sign.seen()).toBe(false);
  n += 1;
  expect(await sign.seen()).toBe(true);
});

it('a service that has grown since it was warm is named, and garbage that goes is no growth', async () => {
  const of = (mb: number, handles: number) => ({ scoring: { heapBytes: mb * 1_048_576, handles } });
  const warm = of(60, 20);
  const looks = [of(140, 20), of(70, 20)];
  expect(await grownAtRest(warm, () => Promise.resolve(looks.shift() ?? of(70, 20)), 0)).toEqual([]);
  const leak = await grownAtRest(warm, () => Promise.resolve(of(140, 40)), 0);
  expect(leak.map(({ id, what }) => `${id} ${what.split(' ')[0]}`)).toEqual(['scoring heap', 'scoring handles']);
  expect(await grownAtRest(warm, () => Promise.resolve({}), 0)).toHaveLength(1);
  // Of a process that was killed, one trial shows less than it needs.
  expect(larger(larger({}, of(70, 20)), of(60, 7))).toEqual(of(70, 20));
});
