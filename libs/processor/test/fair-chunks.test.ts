/** No chapter: one part alone. How a fetch is cut into transactions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fairChunks } from '../src/fair-chunks.ts';

/** `a1 a2 .. a<length>` */
const run = (name: string, length: number): string[] => Array.from({ length }, (_, i) => `${name}${i + 1}`);
const chunks = (runs: readonly (readonly string[])[], max: number): string[] =>
  [...fairChunks(runs, max)].map((chunk) => chunk.toSorted().join(' '));

describe('a fetch of several partitions', () => {
  it('is one chunk when it fits', () => {
    expect(chunks([run('a', 2), [], run('b', 1)], 3)).toEqual(['a1 a2 b1']);
  });

  it('gives each partition a share of each chunk, and what a short one leaves to the others', () => {
    expect(chunks([run('a', 6), run('b', 1), run('c', 3)], 5)).toEqual(['a1 a2 b1 c1 c2', 'a3 a4 a5 a6 c3']);
  });

  it('with more partitions than a chunk has places comes to an end too', () => {
    expect(chunks([run('a', 1), run('b', 1), run('c', 2)], 2)).toEqual(['a1 b1', 'c1 c2']);
  });

  it('whatever it holds: all of it once, each partition together and in order, chunks never empty nor too large', () => {
    const runs = fc.array(fc.nat({ max: 30 }), { maxLength: 8 });
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 20 }), (lengths, max) => {
        const made = [
          ...fairChunks(
            lengths.map((length, p) => Array.from({ length }, (_, i) => ({ p, i }))),
            max,
          ),
        ];
        for (const chunk of made) {
          expect(chunk.length).toBeGreaterThan(0);
          expect(chunk.length).toBeLessThanOrEqual(max);
          const changes = chunk.filter(({ p }, i) => p !== chunk[i - 1]?.p).length;
          expect(changes).toBe(new Set(chunk.map(({ p }) => p)).size);
        }
        lengths.forEach((length, p) => {
          const seen = made.flatMap((chunk) => chunk.filter((one) => one.p === p).map(({ i }) => i));
          expect(seen).toEqual(Array.from({ length }, (_, i) => i));
        });
      }),
    );
  });
});
