/** No chapter: one part alone. What Kafka hears of our places, and when it does not want to hear. */
import { expect, it } from 'vitest';
import { eventually } from '@lead-flood/testing';
import { createOffsetTeller } from '../src/offset-teller.ts';

const place = (nextOffset: number, partition = 0) => ({ topic: 'topic', partition, nextOffset });

/** A group that answers each telling as `answer` says, and what it was told. */
function group(answer: (telling: number) => Promise<void>) {
  const told: number[][] = [];
  const teller = createOffsetTeller(() => ({
    tellOffsets: (places) => {
      told.push(places.map(({ nextOffset }) => nextOffset));
      return answer(told.length);
    },
  }));
  return { told, teller };
}
const refused = () => Promise.reject(new Error('a rebalance is under way'));

it('tells a place again that was refused, though no newer one comes', async () => {
  const { told, teller } = group((telling) => (telling < 3 ? refused() : Promise.resolve()));
  teller.tell([place(7)]);
  await eventually('the third telling', () => told.length === 3);
  await teller.stop();
  expect(told).toEqual([[7], [7], [7]]);
});

it('tells the newer place instead of a refused one, and one telling at a time', async () => {
  const first = Promise.withResolvers<void>();
  const { told, teller } = group((telling) => (telling === 1 ? first.promise : Promise.resolve()));
  teller.tell([place(7), place(1, 1)]);
  await eventually('the first telling', () => told.length === 1);
  teller.tell([place(8)]);
  first.reject(new Error('a rebalance is under way'));
  await eventually('the second telling', () => told.length === 2);
  await teller.stop();
  expect(told).toEqual([
    [7, 1],
    [8, 1],
  ]);
});

it('leaves to the next owner what was untold at a new assignment', async () => {
  const { told, teller } = group(() => Promise.resolve());
  teller.tell([place(7)]);
  teller.forget();
  await teller.stop();
  expect(told).toEqual([]);
});

it('tries once more when it stops, and then no more', async () => {
  const { told, teller } = group(refused);
  teller.tell([place(7)]);
  await teller.stop();
  teller.tell([place(8)]);
  await teller.stop();
  expect(told).toEqual([[7], [8]]);
});
