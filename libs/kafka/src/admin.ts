/** Creates topics as topics.json says, and reads lag. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Topic } from '@lead-flood/contracts';
import { TransientError } from '@lead-flood/kernel';
import type { KafkaClient } from './client.ts';

const DAY_MS = 86_400_000;

/**
 * A dead letter is its original and some headers more: what fitted into a topic must fit into its dead letters. Well
 * above the broker's default of 1 MiB, which is what the original's topic takes.
 */
const roomFor = (topic: Topic): { name: string; value: string }[] =>
  topic.name.endsWith('.dead-letter.v1') ? [{ name: 'max.message.bytes', value: String(8 * 1_048_576) }] : [];

const retentionOf = ({ retentionDays }: Topic): { name: string; value: string } =>
  retentionDays === null
    ? { name: 'cleanup.policy', value: 'compact' }
    : { name: 'retention.ms', value: String(retentionDays * DAY_MS) };

/** Creates the missing topics of the list; those that exist are left as they are. Returns the names created. */
export async function createTopics(client: KafkaClient, wanted: readonly Topic[], prefix = ''): Promise<string[]> {
  const admin = client.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = wanted.filter((topic) => !existing.has(prefix + topic.name));
    await admin.createTopics({
      // kafkajs' own waiting fails when the broker has not heard of the new topic yet; ours asks again.
      waitForLeaders: false,
      topics: missing.map((topic) => ({
        topic: prefix + topic.name,
        numPartitions: topic.partitions,
        configEntries: [retentionOf(topic), ...roomFor(topic)],
      })),
    });
    const created = missing.map((topic) => prefix + topic.name);
    await waitForLeaders(admin, created);
    return created;
  } finally {
    await admin.disconnect();
  }
}

type Admin = ReturnType<KafkaClient['admin']>;

/** A new topic has its leaders in tens of milliseconds; a busy broker that has just started is given as long as a request. */
const LEADERS_MS = 15_000;
/** Only deploying and starting wait here, and each look is one small request. */
const LEADERS_LOOK_MS = 50;

async function waitForLeaders(admin: Admin, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const until = Date.now() + LEADERS_MS;
  for (;;) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
      if (topics.every((topic) => topic.partitions.length > 0 && topic.partitions.every(({ leader }) => leader >= 0))) {
        // A broker may be named leader a moment before it knows it itself.
        await Promise.all(names.map((name) => admin.fetchTopicOffsets(name)));
        return;
      }
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    if (Date.now() > until)
      throw new TransientError('KFK_ERR_BROKER_UNAVAILABLE', `no leaders for ${names.join(', ')}`);
    await delay(LEADERS_LOOK_MS);
  }
}

export type TopicEnds = Readonly<Record<number, { readonly low: number; readonly high: number }>>;

/** First and next offset of every partition of a topic. */
export async function topicEnds(client: KafkaClient, topic: string): Promise<TopicEnds> {
  const admin = client.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    return Object.fromEntries(
      offsets.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]),
    );
  } finally {
    await admin.disconnect();
  }
}

/** The same for many topics over one connection; a topic that is not there has no entry. */
export async function endsOf(client: KafkaClient, names: readonly string[]): Promise<ReadonlyMap<string, TopicEnds>> {
  const admin = client.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const found = names.filter((name) => existing.has(name));
    const ends = await Promise.all(found.map((name) => admin.fetchTopicOffsets(name)));
    return new Map(
      found.map((name, i) => [
        name,
        Object.fromEntries((ends[i] ?? []).map(({ partition, low, high }) => [partition, { low: +low, high: +high }])),
      ]),
    );
  } finally {
    await admin.disconnect();
  }
}

export type MemberCount = { readonly group: string; readonly members: number };

/** How many consumers each group has at the moment; 0 for a group that the broker has never heard of. */
export async function membersOf(client: KafkaClient, groups: readonly string[]): Promise<readonly MemberCount[]> {
  if (groups.length === 0) return [];
  const admin = client.admin();
  await admin.connect();
  try {
    const { groups: found } = await admin.describeGroups([...groups]);
    return found.map(({ groupId, members }) => ({ group: groupId, members: members.length }));
  } finally {
    await admin.disconnect();
  }
}

export type GroupPlace = {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** The next message to be read, as the group has told it. */
  readonly place: number;
  readonly end: number;
};

export type LagReader = {
  /** Every partition of which a group has told its place; a group that is not known has none. */
  readonly read: (groups: readonly string[]) => Promise<readonly GroupPlace[]>;
  readonly close: () => Promise<void>;
};

/** One connection for somebody who looks again and again. */
export async function openLagReader(client: KafkaClient): Promise<LagReader> {
  const admin = client.admin();
  await admin.connect();
  return {
    async read(groups) {
      const told = await Promise.all(groups.map(async (groupId) => admin.fetchOffsets({ groupId })));
      const names = [...new Set(told.flat().map(({ topic }) => topic))];
      // The ends afterwards: what comes between the two counts as lag, never as less than none.
      const ends = new Map(
        await Promise.all(
          names.map(
            async (name) =>
              [
                name,
                new Map((await admin.fetchTopicOffsets(name)).map((end) => [end.partition, Number(end.high)])),
              ] as const,
          ),
        ),
      );
      return groups.flatMap((group, i) =>
        (told[i] ?? []).flatMap(({ topic, partitions }) =>
          partitions.flatMap(({ partition, offset }) => {
            const end = ends.get(topic)?.get(partition);
            return end === undefined || Number(offset) < 0
              ? []
              : [{ group, topic, partition, place: Number(offset), end }];
          }),
        ),
      );
    },
    close: () => admin.disconnect(),
  };
}
