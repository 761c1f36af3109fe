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
