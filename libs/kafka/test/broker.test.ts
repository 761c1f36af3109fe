/** Producer, consumer and dead letters on a real broker, and the defaults of kafkajs that bite. */
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createConsumer,
  createProducer,
  deadLetterFacts,
  headersAsText,
  readTopic,
  toDeadLetter,
  topicEnds,
  toReplay,
} from '@lead-flood/kafka';
import type { Assignment, Consumer, KafkaClient, OutgoingRecord, PartitionBatch, Producer } from '@lead-flood/kafka';
import { CodedError, randomId } from '@lead-flood/kernel';
import { eventually } from '@lead-flood/testing';
import { connect, ownTopic } from './peer.ts';

let client: KafkaClient;
let producer: Producer;
beforeAll(async () => {
  client = connect();
  producer = await createProducer(client);
});
afterAll(() => producer.stop());

const text = (topic: string, key: string, value: string, headers: Record<string, string> = {}): OutgoingRecord => ({
  topic,
  key,
  value: Buffer.from(value),
  headers,
});

describe('a producer', () => {
  it('puts a key where a Java client puts it', async () => {
    // Hashes of Kafka's own UtilsTest.testMurmur2.
    const hashes = {
      '21': -973932308,
      foobar: -790332482,
      'a-little-bit-long-string': -985981536,
      'a-little-bit-longer-string': -1486304829,
      abc: 479470107,
    };
    const topic = await ownTopic(client, 7);
    await producer.send(Object.keys(hashes).map((key) => text(topic, key, key)));
    const partitions = Object.fromEntries(
      (await readTopic(client, topic)).map((record) => [record.key?.toString(), record.partition]),
    );
    expect(partitions).toEqual(
      Object.fromEntries(Object.entries(hashes).map(([key, hash]) => [key, (hash & 0x7fffffff) % 7])),
    );
  });

  it('keeps the order of a key, and headers as they are', async () => {
    const topic = await ownTopic(client);
    await producer.send(
      Array.from({ length: 50 }, (_, i) => text(topic, 'same', String(i), { 'message-id': String(i), unicode: 'Zoë' })),
    );
    const records = await readTopic(client, topic);
    expect(records.map((record) => record.value?.toString())).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
    expect(headersAsText(records[49]?.headers ?? {})).toEqual({ 'message-id': '49', unicode: 'Zoë' });
  });

  it('sends a tombstone and a record without a key', async () => {
    const topic = await ownTopic(client, 1);
    await producer.send([{ topic, key: null, value: null, headers: {} }]);
    expect(await readTopic(client, topic)).toMatchObject([{ key: null, value: null }]);
  });

  it('carries a thousand headers', async () => {
    const topic = await ownTopic(client, 1);
    const headers = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`header-${i}`, String(i)]));
    await producer.send([text(topic, 'k', 'v', headers)]);
    const [record] = await readTopic(client, topic);
    expect(headersAsText(record?.headers ?? {})).toEqual(headers);
  });

  it('says of a record that is too large that no other try will help', async () => {
    const topic = await ownTopic(client, 1);
    const error = await producer
      .send([{ topic, key: 'k', value: Buffer.alloc(5_000_000), headers: {} }])
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: CodedError.name, code: 'KFK_ERR_TOO_LARGE' });
  });

  it('creates no topic by writing to it', async () => {
    const admin = client.admin();
    await admin.connect();
    expect((await admin.listTopics()).filter((name) => name.startsWith('no-such'))).toEqual([]);
    await admin.disconnect();
  });
});

describe('a consumer', () => {
  async function consume(
    topic: string,
    onFetch: (batches: readonly PartitionBatch[]) => Promise<boolean>,
    onAssigned?: (assignment: Assignment) => void,
  ): Promise<Consumer> {
    return createConsumer({
      client,
      group: `g-${randomId()}`,
      topics: [topic],
      sessionTimeoutMs: 10_000,
      fetchBytesMax: 1_048_576,
      fetchWaitMs: 100,
      onFetch,
      ...(onAssigned === undefined ? {} : { onAssigned }),
      onFatal: (error) => {
        throw error;
      },
    });
  }

  it('hands over all partitions of one fetch in one call', async () => {
    const topic = await ownTopic(client, 3);
    await producer.send(Array.from({ length: 30 }, (_, i) => text(topic, `key-${i}`, String(i))));
    const calls: number[][] = [];
    const consumer = await consume(topic, (batches) => {
      calls.push(batches.map((batch) => batch.partition));
      return Promise.resolve(true);
    });
    await eventually('three partitions', () => new Set(calls.flat()).size === 3);
    await consumer.stop();
    expect(calls[0]?.toSorted()).toEqual([0, 1, 2]);
    expect(consumer.assignedCount()).toBe(3);
  });

  it('brings the same records again when it is told that they were not dealt with', async () => {
    const topic = await ownTopic(client, 1);
    await producer.send([text(topic, 'k', 'one'), text(topic, 'k', 'two')]);
    const calls: string[][] = [];
    const consumer = await consume(topic, ([batch]) => {
      calls.push((batch?.records ?? []).map((record) => record.value?.toString() ?? ''));
      return Promise.resolve(calls.length > 1);
    });
    await eventually('a second call', () => calls.length > 1);
    await producer.send([text(topic, 'k', 'three')]);
    await eventually('a third call', () => calls.length > 2);
    await consumer.stop();
    expect(calls).toEqual([['one', 'two'], ['one', 'two'], ['three']]);
  });

  it('stays a member however long its handler takes', async () => {
    const topic = await ownTopic(client, 1);
    await producer.send([text(topic, 'k', 'one')]);
    const group = `g-${randomId()}`;
    const entered = Promise.withResolvers<undefined>();
    const mayEnd = Promise.withResolvers<undefined>();
    const sessionTimeoutMs = 2_000;
    const consumer = await createConsumer({
      client,
      group,
      topics: [topic],
      sessionTimeoutMs,
      fetchBytesMax: 1_000,
      fetchWaitMs: 100,
      onFatal: () => undefined,
      onFetch: async () => {
        entered.resolve(undefined);
        await mayEnd.promise;
        return true;
      },
    });
    await entered.promise;
    // The broker forgets a silent member after the session: that time is what is tested.
    await delay(sessionTimeoutMs * 2);
    const admin = client.admin();
    await admin.connect();
    const { groups } = await admin.describeGroups([group]);
    await admin.disconnect();
    mayEnd.resolve(undefined);
    await consumer.stop();
    expect(groups.map(({ state, members }) => [state, members.length])).toEqual([['Stable', 1]]);
  });

  it('that stops leaves at once, and the others notice long before a session is over', async () => {
    const topic = await ownTopic(client, 4);
    const group = `g-${randomId()}`;
    const member = (): Promise<Consumer> =>
      createConsumer({
        client,
        group,
        topics: [topic],
        sessionTimeoutMs: 30_000,
        fetchBytesMax: 1_048_576,
        fetchWaitMs: 100,
        onFetch: () => Promise.resolve(true),
        onFatal: (error) => {
          throw error;
        },
      });
    const stays = await member();
    const leaves = await member();
    await eventually('both to have their share', () => stays.assignedCount() === 2 && leaves.assignedCount() === 2);
    await leaves.stop();
    // A quarter of the session, the usual time between two heartbeats, would be seven seconds and a half.
    await eventually('the one that stays to have all', () => stays.assignedCount() === 4, 5_000);
    await stays.stop();
  });

  it('commits nothing by itself: what Kafka knows is what it was told', async () => {
    const topic = await ownTopic(client, 1);
    await producer.send([text(topic, 'k', 'one'), text(topic, 'k', 'two')]);
    let seen = 0;
    const group = `g-${randomId()}`;
    const consumer = await createConsumer({
      client,
      group,
      topics: [topic],
      sessionTimeoutMs: 10_000,
      fetchBytesMax: 1_000,
      fetchWaitMs: 100,
      onFatal: () => undefined,
      onFetch: ([batch]) => {
        seen += batch?.records.length ?? 0;
        return Promise.resolve(true);
      },
    });
    await eventually('both', () => seen === 2);
    const admin = client.admin();
    await admin.connect();
    const committed = async (): Promise<string | undefined> =>
      (await admin.fetchOffsets({ groupId: group, topics: [topic] }))[0]?.partitions[0]?.offset;
    expect(await committed()).toBe('-1');
    await consumer.commitOffsets([{ topic, partition: 0, nextOffset: 1 }]);
    expect(await committed()).toBe('1');
    await consumer.stop();
    await admin.disconnect();
  });

  it('that has stopped is sent nowhere, and nobody is told off for it', async () => {
    const topic = await ownTopic(client, 1);
    const consumer = await consume(topic, () => Promise.resolve(true));
    await consumer.stop();
    expect(() => {
      consumer.seek(topic, 0, 0);
    }).not.toThrow();
  });

  it('that has stopped lets those be who are still finding out where its assignment begins', async () => {
    const topic = await ownTopic(client, 1);
    const assignments: Assignment[] = [];
    const consumer = await consume(
      topic,
      () => Promise.resolve(true),
      (assignment) => assignments.push(assignment),
    );
    const assignment = await eventually('an assignment', () => assignments[0]);
    expect(assignment.isCurrent()).toBe(true);
    await consumer.stop();
    expect(assignment.isCurrent()).toBe(false);
    expect(() => {
      assignment.seek(topic, 0, 0);
    }).not.toThrow();
  });

  it('begins where its caller seeks to', async () => {
    const topic = await ownTopic(client, 1);
    await producer.send(['a', 'b', 'c'].map((value) => text(topic, 'k', value)));
    const seen: string[] = [];
    const consumer = await createConsumer({
      client,
      group: `g-${randomId()}`,
      topics: [topic],
      sessionTimeoutMs: 10_000,
      fetchBytesMax: 1_000,
      fetchWaitMs: 100,
      onFatal: () => undefined,
      onAssigned: ({ partitions, seek }) => {
        for (const [name, numbers] of Object.entries(partitions))
          for (const partition of numbers) seek(name, partition, 2);
      },
      onFetch: ([batch]) => {
        seen.push(...(batch?.records ?? []).map((record) => record.value?.toString() ?? ''));
        return Promise.resolve(true);
      },
    });
    await eventually('a record', () => seen.includes('c'));
    await consumer.stop();
    expect(seen).toEqual(['c']);
  });
});

describe('a dead letter', () => {
  it('gives back the original bytes, key and headers, and counts its replays', async () => {
    const topic = await ownTopic(client, 1);
    const letterTopic = await ownTopic(client, 1);
    const original = {
      topic,
      key: 'lead-1',
      value: Buffer.from([0, 1, 2, 255, 254]),
      headers: { 'message-id': 'm-1', note: 'Zoë' },
    };
    await producer.send([original]);
    const [met] = await readTopic(client, topic);
    if (met === undefined) throw new Error('nothing arrived');
    const letter = toDeadLetter(met, {
      group: 'scoring',
      code: 'KFK_ERR_CORRUPT',
      detail: 'x'.repeat(1_000),
      step: 'decode',
      at: Date.parse('2026-03-02T10:00:00Z'),
    });
    expect(letter.topic).toBe('scoring.dead-letter.v1');
    await producer.send([{ ...letter, topic: letterTopic }]);
    const [kept] = await readTopic(client, letterTopic);
    if (kept === undefined) throw new Error('no letter');
    expect(deadLetterFacts(kept)).toEqual({
      topic,
      partition: 0,
      offset: 0,
      group: 'scoring',
      code: 'KFK_ERR_CORRUPT',
      detail: 'x'.repeat(300),
      step: 'decode',
      at: Date.parse('2026-03-02T10:00:00Z'),
      replays: 0,
    });
    const replay = toReplay(kept);
    expect(replay).toEqual({
      topic,
      key: Buffer.from('lead-1'),
      value: original.value,
      headers: { ...original.headers, replays: '1', 'replay-for': 'scoring' },
    });
    if (replay === null) throw new Error('no replay');
    await producer.send([replay]);
    const again = (await readTopic(client, topic))[1];
    if (again === undefined) throw new Error('nothing came back');
    expect(
      deadLetterFacts({
        ...again,
        headers: toDeadLetter(again, { group: 'g', code: 'c', detail: '', step: 'decode', at: 0 }).headers,
      })?.replays,
    ).toBe(1);
  });

  it('is told from any other record', async () => {
    expect(
      deadLetterFacts({ topic: 't', partition: 0, offset: 0, timestamp: 0, key: null, value: null, headers: {} }),
    ).toBeNull();
    expect((await topicEnds(client, await ownTopic(client, 2)))[1]).toEqual({ low: 0, high: 0 });
  });
});

describe('kafkajs', () => {
  it('is the version whose idle timer we repair, and the repair is in place', () => {
    const require = createRequire(createRequire(import.meta.url).resolve('@lead-flood/kafka'));
    expect((require('kafkajs/package.json') as { version: string }).version).toBe('2.2.4');
    const queue = require('kafkajs/src/network/requestQueue') as {
      prototype: { scheduleCheckPendingRequests: () => void };
    };
    expect(queue.prototype.scheduleCheckPendingRequests.toString()).toContain('this.pending.length === 0');
  });

  it('connected and idle costs next to nothing', async () => {
    const admin = client.admin();
    await admin.connect();
    await delay(200);
    const before = process.cpuUsage();
    await delay(1_000);
    const { user, system } = process.cpuUsage(before);
    await admin.disconnect();
    // Unrepaired: 4-6 % of a core. Microseconds of one second.
    expect(user + system).toBeLessThan(30_000);
  });
});
