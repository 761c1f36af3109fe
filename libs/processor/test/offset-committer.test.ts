/** No chapter: one part alone. What Kafka hears of our places, and when it does not want to hear. */
import { expect, it } from 'vitest';
import { eventually } from '@lead-flood/testing';
import { createOffsetCommitter } from '../src/offset-committer.ts';

const place = (nextOffset: number, partition = 0) => ({ topic: 'topic', partition, nextOffset });

/** A group that answers each telling as `answer` says, and what it was told. */
function group(answer: (telling: number) => Promise<void>) {
  const told: number[][] = [];
  const offsets = createOffsetCommitter(() => ({
    commitOffsets: (places) => {
      told.push(places.map(({ nextOffset }) => nextOffset));
      return answer(told.length);
    },
  }));
  return { told, offsets };
}
const refused = () => Promise.reject(new Error('a rebalance is under way'));

it('tells a place again that was refused, though no newer one comes', async () => {
  const { told, offsets } = group((telling) => (telling < 3 ? refused() : Promise.resolve()));
  offsets.commit([place(7)]);
  await eventually('the third telling', () => told.length === 3);
  await offsets.stop();
  expect(told).toEqual([[7], [7], [7]]);
});

it('tells the newer place instead of a refused one, and one telling at a time', async () => {
  const first = Promise.withResolvers<void>();
  const { told, offsets } = group((telling) => (telling === 1 ? first.promise : Promise.resolve()));
  offsets.commit([place(7), place(1, 1)]);
  await eventually('the first telling', () => told.length === 1);
  offsets.commit([place(8)]);
  first.reject(new Error('a rebalance is under way'));
  await eventually('the second telling', () => told.length === 2);
  await offsets.stop();
  expect(told).toEqual([
    [7, 1],
    [8, 1],
  ]);
});

it('leaves to the next owner what was untold at a new assignment', async () => {
  const { told, offsets } = group(() => Promise.resolve());
  offsets.commit([place(7)]);
  offsets.forget();
  await offsets.stop();
  expect(told).toEqual([]);
});

it('tries once more when it stops, and then no more', async () => {
  const { told, offsets } = group(refused);
  offsets.commit([place(7)]);
  await offsets.stop();
  offsets.commit([place(8)]);
  await offsets.stop();
  expect(told).toEqual([[7], [8]]);
});
