/** Real broker and registry for this folder's suites, with topics of their own. */
import { avroSchemas } from '@lead-flood/contracts';
import type { EventName, Topic } from '@lead-flood/contracts';
import { createKafkaClient, createRegistry, createTopics } from '@lead-flood/kafka';
import type { KafkaClient, Registry } from '@lead-flood/kafka';
import { randomId } from '@lead-flood/kernel';
import { testEnvironment } from '@lead-flood/testing';

export const eventNames = Object.keys(avroSchemas) as EventName[];

export const connect = (): KafkaClient =>
  createKafkaClient({
    brokers: testEnvironment().KAFKA_BROKERS.split(','),
    clientId: 'kafka-test',
    log: () => undefined,
  });

export const realRegistry = (): Registry => createRegistry(testEnvironment().SCHEMA_REGISTRY_URL);

export async function ownTopic(client: KafkaClient, partitions = 3): Promise<string> {
  const name = `k${randomId().slice(0, 8)}.test.v1`;
  const topic: Topic = { name, owner: 'test', key: null, keyOf: {}, partitions, retentionDays: 1, events: [] };
  await createTopics(client, [topic]);
  return name;
}
