/** kafkajs as most first programs have it: eachMessage, offsets committed now and then, a send for each lead. */
import { createKafkaClient, createProducer, createTopics } from '@lead-flood/kafka';
import type { Contender } from './contender.ts';
import { createPool, createTables, lastStage, saveRows, stages } from './stages.ts';
import type { Lead, Servers } from './stages.ts';

export const PARTITIONS = 8;

export const clientOf = (at: Servers): ReturnType<typeof createKafkaClient> =>
  createKafkaClient({ brokers: [at.kafka], clientId: at.run, log: () => undefined });

export const topicOf = (at: Servers, stage: number): string => `${at.run}.${stages[stage] ?? ''}`;

export async function createStageTopics(at: Servers): Promise<void> {
  await createTopics(
    clientOf(at),
    stages.map((_, stage) => ({
      name: topicOf(at, stage),
      owner: at.run,
      key: null,
      keyOf: {},
      partitions: PARTITIONS,
      retentionDays: 1,
      events: [],
    })),
  );
}

export async function seedTopic(at: Servers, leads: readonly Lead[]): Promise<void> {
  const producer = await createProducer(clientOf(at));
  for (let i = 0; i < leads.length; i += 1_000)
    await producer.send(
      leads
        .slice(i, i + 1_000)
        .map(({ id, data }) => ({ topic: topicOf(at, 0), key: id, value: Buffer.from(data), headers: {} })),
    );
  await producer.stop();
}

export const kafkajs: Contender = {
  name: 'kafkajs',
  note: 'eachMessage, autoCommit, a send for each lead; a crash repeats everything since the last commit of offsets',
  leads: 4_000,
  prepare: async (at) => {
    await createTables(at);
    await createStageTopics(at);
  },
  seed: seedTopic,
  work: async (at) => {
    const pool = createPool(at, 20);
    const producer = clientOf(at).producer();
    await producer.connect();
    for (const stage of stages.keys()) {
      const consumer = clientOf(at).consumer({ groupId: `${at.run}-${stages[stage] ?? ''}` });
      await consumer.connect();
      await consumer.subscribe({ topics: [topicOf(at, stage)], fromBeginning: true });
      await consumer.run({
        partitionsConsumedConcurrently: PARTITIONS,
        eachMessage: async ({ message }) => {
          const lead = { id: message.key?.toString() ?? '', data: message.value?.toString() ?? '' };
          await saveRows(pool, stage, [lead]);
          if (stage < lastStage)
            await producer.send({
              topic: topicOf(at, stage + 1),
              messages: [{ key: message.key, value: message.value }],
            });
        },
      });
    }
  },
};
