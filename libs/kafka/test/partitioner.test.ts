/** The hash that a key goes by, beside kafkajs’ own: the partitions of every topic depend on it for ever. */
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { createPartitioner, murmur2 } from '../src/partitioner.ts';

const theirs = createRequire(import.meta.url)('kafkajs/src/producer/partitioners/default/murmur2.js') as (
  key: Buffer,
) => number;

const led = (count: number, leaderless: readonly number[] = []) =>
  Array.from({ length: count }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: leaderless.includes(partitionId) ? -1 : 1,
    replicas: [],
    isr: [],
  }));

describe('the partition of a key', () => {
  it('is hashed as kafkajs, and so Java, does it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        expect(murmur2(bytes)).toBe(theirs(Buffer.from(bytes)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the one that kafkajs would choose, for texts of every length', () => {
    const [ours, original] = [createPartitioner(), Partitioners.DefaultPartitioner()];
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 1, max: 48 }), (key, count) => {
        const place = { topic: 'any', partitionMetadata: led(count), message: { key, value: null } };
        expect(ours(place)).toBe(original(place));
      }),
    );
  });

  it('stays the same while a partition has no leader', () => {
    const choose = createPartitioner();
    const message = { key: 'b9c2', value: null };
    expect(choose({ topic: 'any', partitionMetadata: led(12, [3, 7]), message })).toBe(
      choose({ topic: 'any', partitionMetadata: led(12), message }),
    );
  });

  it('without a key, is that of each partition with a leader in turn', () => {
    const choose = createPartitioner();
    const next = () =>
      choose({ topic: 'any', partitionMetadata: led(4, [2]), message: { key: null, value: Buffer.from('x') } });
    expect(new Set([next(), next(), next()])).toEqual(new Set([0, 1, 3]));
  });
});
