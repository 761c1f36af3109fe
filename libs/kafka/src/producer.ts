/**
 * Sends records with acks from all replicas. One send at a time per producer, which keeps the order of a key even
 * when a request is retried; a duplicate that a retry makes is dropped by the consumer's version guard.
 */
import './kafkajs-repairs.ts';
import { CompressionTypes } from 'kafkajs';
import type { IHeaders } from 'kafkajs';
import { CodedError, fault, TransientError, toError } from '@lead-flood/kernel';
import type { KafkaClient } from './client.ts';
import { createPartitioner } from './partitioner.ts';
import type { SendableRecord } from './record.ts';

export type Producer = {
  /** Resolves when every record is stored. Throws `TransientError` when some may not be. */
  readonly send: (records: readonly SendableRecord[]) => Promise<void>;
  readonly stop: () => Promise<void>;
};

export async function createProducer(client: KafkaClient): Promise<Producer> {
  const producer = client.producer({
    createPartitioner,
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  return {
    async send(records) {
      if (records.length === 0) return;
      await fault('kafka.send.before');
      try {
        await producer.sendBatch({
          acks: -1,
          compression: CompressionTypes.None,
          topicMessages: [...Map.groupBy(records, (record) => record.topic)].map(([topic, messages]) => ({
            topic,
            // Its types know no header without a value; record-batch.ts writes one.
            messages: messages.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } as IHeaders })),
          })),
        });
      } catch (error) {
        throw asOurError(error);
      }
      await fault('kafka.send.after');
    },
    stop: () => producer.disconnect(),
  };
}

function asOurError(thrown: unknown): Error {
  const error = toError(thrown);
  const type = 'type' in error ? error.type : undefined;
  if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE') {
    return new CodedError('KFK_ERR_TOO_LARGE', error.message, { cause: error });
  }
  return new TransientError('KFK_ERR_BROKER_UNAVAILABLE', error.message, { cause: error });
}
