/** A topic as a list, for tools and tests: reads what is there now and stops. */
import { randomId } from '@lead-flood/kernel';
import { topicEnds } from './admin.ts';
import type { KafkaClient } from './client.ts';
import { createConsumer } from './consumer.ts';
import type { RawRecord } from './record.ts';

/** Reads a topic from its beginning to its present end with a group of its own. */
export async function readTopic(client: KafkaClient, topic: string): Promise<readonly RawRecord[]> {
  const ends = await topicEnds(client, topic);
  const missing = new Map(
    Object.entries(ends).flatMap(([partition, { low, high }]) =>
      high > low ? [[Number(partition), high - 1] as const] : [],
    ),
  );
  const found: RawRecord[] = [];
  if (missing.size === 0) return found;
  const done = Promise.withResolvers<undefined>();
  const consumer = await createConsumer({
    client,
    group: `read-${randomId()}`,
    topics: [topic],
    sessionTimeoutMs: 10_000,
    fetchBytesMax: 4_194_304,
    fetchWaitMs: 50,
    onFatal: done.reject,
    onFetch: (batches) => {
      for (const batch of batches) {
        found.push(...batch.records);
        const last = batch.records.at(-1)?.offset ?? -1;
        if (last >= (missing.get(batch.partition) ?? Number.POSITIVE_INFINITY)) missing.delete(batch.partition);
      }
      if (missing.size === 0) done.resolve(undefined);
      return Promise.resolve(true);
    },
  });
  await done.promise;
  await consumer.stop();
  return found.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
}

export type Place = { readonly topic: string; readonly partition: number; readonly offset: number };

/** Somebody waits for the answer, and a place that retention has taken is never reached: joining and some fetches, no more. */
const PLACES_MS = 6_000;

/**
 * The first record at or after each place, by `topic/partition@offset`; a place that is not reached in a few seconds has
 * none. Several places of one partition are read one after the other.
 */
export async function firstRecordsAt(
  client: KafkaClient,
  places: readonly Place[],
): Promise<ReadonlyMap<string, RawRecord>> {
  const found = new Map<string, RawRecord>();
  const wanted = Map.groupBy(
    places.toSorted((a, b) => a.offset - b.offset),
    ({ topic, partition }) => `${topic}/${partition}`,
  );
  if (wanted.size === 0) return found;
  const done = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => {
    done.resolve(undefined);
  }, PLACES_MS);
  const group = `read-${randomId()}`;
  const consumer = await createConsumer({
    client,
    group,
    topics: [...new Set(places.map(({ topic }) => topic))],
    sessionTimeoutMs: 10_000,
    fetchBytesMax: 65_536,
    fetchWaitMs: 50,
    onFatal: done.reject,
    onAssigned: ({ partitions, seek }) => {
      for (const [topic, numbers] of Object.entries(partitions))
        for (const partition of numbers) {
          const first = wanted.get(`${topic}/${partition}`)?.[0];
          if (first !== undefined) seek(topic, partition, first.offset);
        }
    },
    onFetch: (batches) => {
      for (const { topic, partition, records } of batches) {
        const rest = wanted.get(`${topic}/${partition}`) ?? [];
        const last = records.at(-1)?.offset ?? -1;
        while (rest[0] !== undefined && rest[0].offset <= last) {
          const place = rest.shift();
          const record = records.find(({ offset }) => place !== undefined && offset >= place.offset);
          if (place !== undefined && record !== undefined) found.set(`${topic}/${partition}@${place.offset}`, record);
        }
        const [next] = rest;
        if (next !== undefined && next.offset > last) consumer.seek(topic, partition, next.offset);
        if (rest.length === 0) wanted.delete(`${topic}/${partition}`);
      }
      if (wanted.size === 0) done.resolve(undefined);
      return Promise.resolve(true);
    },
  });
  try {
    await done.promise;
  } finally {
    clearTimeout(timer);
    await consumer.stop();
  }
  return found;
}
