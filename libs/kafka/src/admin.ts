/** Creates topics as topics.json says, and reads lag. */
import type { Topic } from '@lead-flood/contracts';
import type { KafkaClient } from './client.ts';

const DAY_MS = 86_400_000;

/** Creates the missing topics of the list; those that exist are left as they are. Returns the names created. */
export async function createTopics(client: KafkaClient, wanted: readonly Topic[], prefix = ''): Promise<string[]> {
  const admin = client.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = wanted.filter((topic) => !existing.has(prefix + topic.name));
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map((topic) => ({
        topic: prefix + topic.name,
        numPartitions: topic.partitions,
        configEntries: [{ name: 'retention.ms', value: String(topic.retentionDays * DAY_MS) }],
      })),
    });
    return missing.map((topic) => prefix + topic.name);
  } finally {
    await admin.disconnect();
  }
}

export type TopicEnds = Readonly<Record<number, { readonly low: number; readonly high: number }>>;

/** First and next offset of every partition of a topic. */
export async function topicEnds(client: KafkaClient, topic: string): Promise<TopicEnds> {
  const admin = client.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    return Object.fromEntries(offsets.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]));
  } finally {
    await admin.disconnect();
  }
}
