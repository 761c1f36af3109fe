/**
 * A cluster of several brokers: kafkajs fetches from each for itself and hands on what came at any time, also while what
 * came from another is dealt with. The tests' cluster has one broker, so kafkajs is played here.
 */
import type { EachBatchPayload } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { eventually } from '@lead-flood/testing';
import { createConsumer } from '../src/consumer.ts';
import type { KafkaClient, PartitionBatch } from '../src/index.ts';

type Listener = (event: { payload: { memberAssignment: Record<string, number[]> } }) => void;

function playKafka() {
  let eachBatch: ((payload: EachBatchPayload) => Promise<void>) | null = null;
  const listeners = new Map<string, Listener>();
  const resolved: string[] = [];
  const nothing = (): Promise<void> => Promise.resolve();
  const consumer = {
    events: { GROUP_JOIN: 'join', REBALANCING: 'rebalancing', CRASH: 'crash', FETCH: 'fetch', HEARTBEAT: 'heartbeat' },
    on: (name: string, listener: Listener) => listeners.set(name, listener),
    connect: nothing,
    subscribe: nothing,
    stop: nothing,
    disconnect: nothing,
    seek: () => undefined,
    run: (options: { eachBatch: (payload: EachBatchPayload) => Promise<void> }) => {
      ({ eachBatch } = options);
      return nothing();
    },
  };
  return {
    // Played: of kafkajs' types only what a consumer of ours calls.
    client: { consumer: () => consumer } as unknown as KafkaClient,
    resolved,
    rebalance: () => listeners.get('join')?.({ payload: { memberAssignment: { leads: [0, 1] } } }),
    fetched: (partition: number): Promise<void> =>
      // Played too: what the handler of ours looks at.
      eachBatch?.({
        batch: { topic: 'leads', partition, highWatermark: '1', messages: [], lastOffset: () => '0' },
        heartbeat: nothing,
        isStale: () => false,
        resolveOffset: () => resolved.push(`leads/${partition}`),
      } as unknown as EachBatchPayload) ?? nothing(),
  };
}

async function consume() {
  const kafka = playKafka();
  const calls: { batches: readonly PartitionBatch[]; end: () => void }[] = [];
  const consumer = await createConsumer({
    client: kafka.client,
    group: 'played',
    topics: ['leads'],
    sessionTimeoutMs: 10_000,
    fetchBytesMax: 1,
    fetchWaitMs: 1,
    onFetch: (batches) => {
      const ended = Promise.withResolvers<boolean>();
      calls.push({
        batches,
        end: () => {
          ended.resolve(true);
        },
      });
      return ended.promise;
    },
    onFatal: (error) => {
      throw error;
    },
  });
  kafka.rebalance();
  return { kafka, calls, consumer, partitionsOf: (i: number) => calls[i]?.batches.map(({ partition }) => partition) };
}

describe('what several brokers bring', () => {
  it('is dealt with one after the other, what came meanwhile together', async () => {
    const { kafka, calls, consumer, partitionsOf } = await consume();
    const first = kafka.fetched(0);
    await eventually('the first broker’s', () => calls.length === 1);
    const others = [kafka.fetched(1), kafka.fetched(2)];
    await new Promise(setImmediate);
    expect(calls).toHaveLength(1);
    calls[0]?.end();
    await first;
    await eventually('the others’', () => calls.length === 2);
    expect([partitionsOf(0), partitionsOf(1)]).toEqual([[0], [1, 2]]);
    calls[1]?.end();
    await Promise.all(others);
    expect(kafka.resolved).toEqual(['leads/0', 'leads/1', 'leads/2']);
    await consumer.stop();
  });

  it('is passed by where the partitions were divided anew before its turn', async () => {
    const { kafka, calls, consumer } = await consume();
    const first = kafka.fetched(0);
    await eventually('the first broker’s', () => calls.length === 1);
    const late = kafka.fetched(1);
    await new Promise(setImmediate);
    kafka.rebalance();
    calls[0]?.end();
    await Promise.all([first, late]);
    expect(calls).toHaveLength(1);
    expect(kafka.resolved).toEqual(['leads/0']);
    await consumer.stop();
  });
});
