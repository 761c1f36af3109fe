/**
 * Batches that another language's client has compressed. The broker of the tests is the Java one: told to keep a topic in
 * a codec it writes with the same libraries as Java's producer.
 */
import { createRequire } from 'node:module';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type * as KafkaJs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProducer, readTopic } from '@lead-flood/kafka';
import type { KafkaClient, OutgoingRecord, Producer } from '@lead-flood/kafka';
import { randomId } from '@lead-flood/kernel';
import { decodeBatches } from '../src/batch-decoder.ts';
import { unpack, UNPACKED_BYTES_MAX } from '../src/compression.ts';
import { encodeProduceBody } from '../src/record-batch.ts';
import { connect, ownTopic } from './peer.ts';

// After our imports, which repair it.
const { CompressionCodecs, CompressionTypes } = createRequire(import.meta.url)('kafkajs') as typeof KafkaJs;

const CODECS = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
type Name = keyof typeof CODECS;
const names = Object.keys(CODECS) as Name[];

let client: KafkaClient;
let producer: Producer;
beforeAll(async () => {
  client = connect();
  producer = await createProducer(client);
});
afterAll(() => producer.stop());

/** Said at its creation: a change made later may come after the first record. */
async function topicIn(codec: Name): Promise<string> {
  const topic = `k${randomId().slice(0, 8)}.test.v1`;
  const admin = client.admin();
  await admin.connect();
  const configEntries = [{ name: 'compression.type', value: codec }];
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }], waitForLeaders: true });
  await admin.disconnect();
  return topic;
}

const record = (topic: string, value: Buffer): OutgoingRecord => ({ topic, key: 'k', value, headers: { n: 'x' } });

/** Repeats near and far, runs of one byte, and bytes that no codec makes shorter. */
const values = [
  Buffer.alloc(0),
  Buffer.from('a'),
  Buffer.from('abc'.repeat(40_000)),
  Buffer.alloc(300_000),
  Buffer.from(Array.from({ length: 200_000 }, (_, i) => (Math.imul(i, 2_654_435_761) >>> 13) & 0xff)),
  Buffer.from(Array.from({ length: 2_000 }, (_, i) => `{"id":${i * 7},"name":"Zoë ${i % 13}"}`).join(',')),
];

describe('a compressed batch', () => {
  it.each(names)('of %s is read like any other', async (codec) => {
    const topic = await topicIn(codec);
    await producer.send(values.map((value) => record(topic, value)));
    const found = await readTopic(client, topic);
    expect(found.map(({ value }) => value?.toString('latin1'))).toEqual(values.map((v) => v.toString('latin1')));
    expect(found.map(({ offset, unreadable }) => [offset, unreadable])).toEqual(
      values.map((_, offset) => [offset, undefined]),
    );
  });

  it('that is small and many is fetched in several turns', async () => {
    const topic = await topicIn('zstd');
    const zeros = Buffer.alloc(3_500_000);
    // Together more than one fetch may hold unpacked.
    for (let i = 0; i < 12; i += 1) await producer.send([record(topic, zeros)]);
    expect((await readTopic(client, topic)).map(({ offset }) => offset)).toEqual(
      Array.from({ length: 12 }, (_, i) => i),
    );
  });

  it('that unpacks to more than a process should hold is one record that says so, and the partition goes on', async () => {
    const topic = await ownTopic(client, 1);
    await producer.send([record(topic, Buffer.from('before'))]);
    await sendZstd(topic, [Buffer.from('with it'), Buffer.alloc(UNPACKED_BYTES_MAX)]);
    await producer.send([record(topic, Buffer.from('behind'))]);
    const [before, bomb, behind] = await readTopic(client, topic);
    expect([before?.value?.toString(), behind?.value?.toString()]).toEqual(['before', 'behind']);
    expect([before?.offset, bomb?.offset, behind?.offset]).toEqual([0, 2, 3]);
    expect(bomb?.unreadable).toMatch(/^offsets 1 to 2: /);
  });
});

/** As a client does that compresses by itself. */
async function sendZstd(topic: string, sent: readonly Buffer[]): Promise<void> {
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) => Promise.resolve(zstdCompressSync(buffer)),
    decompress: () => Promise.reject(new Error('kafkajs unpacks nothing')),
  });
  const foreign = client.producer();
  await foreign.connect();
  await foreign.send({ topic, compression: CompressionTypes.ZSTD, messages: sent.map((value) => ({ value })) });
  await foreign.disconnect();
}

/** A batch as the broker hands it over: records of our own encoder with other bytes in their place. */
function batchOf(codec: number, count: number, records: Buffer, firstOffset = 0): Buffer {
  const messages = [{ key: null, value: null }];
  const topics = [{ topic: '', partitions: [{ partition: 0, messages }] }];
  const body = encodeProduceBody(topics, { acks: -1, timeoutMs: 0, now: 0 });
  const head = Buffer.from(body.subarray(body.length - BATCH_OF_ONE_BYTES, body.length - RECORD_OF_NOTHING_BYTES));
  head.writeBigInt64BE(BigInt(firstOffset), 0);
  head.writeInt32BE(head.length - 12 + records.length, 8);
  head.writeInt16BE(codec, 21);
  head.writeInt32BE(count - 1, 23);
  head.writeInt32BE(count, 57);
  return Buffer.concat([head, records]);
}
const RECORD_OF_NOTHING_BYTES = 7;
const BATCH_OF_ONE_BYTES = 61 + RECORD_OF_NOTHING_BYTES;
const nothing = Buffer.from([12, 0, 0, 0, 1, 1, 0]);
/** The same at another place of its batch. */
const numbered = (offsetDelta: number): Buffer => Buffer.from([12, 0, 0, offsetDelta * 2, 1, 1, 0]);
/** Says that it has six bytes, and that its value has six. */
const valueOfSix = Buffer.from([12, 0, 0, 0, 1, 12, 0]);

describe('a batch that cannot be unpacked', () => {
  const garbage = Buffer.from('this is no compressed batch, whatever its attributes say');
  const cases: readonly (readonly [string, number, number, Buffer])[] = [
    ...[1, 2, 3, 4, 5, 7].map((codec) => [`garbage as codec ${codec}`, codec, 3, garbage] as const),
    ['nothing as zstd', 4, 3, Buffer.alloc(0)],
    ['gzip cut short', 1, 1, gzipSync(nothing).subarray(0, 12)],
    ['zstd cut short', 4, 1, zstdCompressSync(Buffer.alloc(5_000)).subarray(0, 12)],
    ['fewer records than announced', 1, 3, gzipSync(nothing)],
    ['a record longer than the batch', 1, 1, gzipSync(Buffer.from([126, 0, 0, 0]))],
    // Brokers do not look at what stands inside of a compressed record.
    ['a record that is longer inside than it says', 1, 1, gzipSync(Buffer.from([12, 0, 0, 0, 1, 20, 0]))],
    ['a value that reaches into the next record', 1, 2, gzipSync(Buffer.concat([valueOfSix, numbered(1)]))],
    ['more headers than a record holds', 1, 1, gzipSync(Buffer.from([22, 0, 0, 0, 1, 1, 128, 128, 128, 128, 128, 1]))],
    ['less than no headers', 1, 1, gzipSync(Buffer.from([12, 0, 0, 0, 1, 1, 1]))],
    [
      'a record that claims an offset far away',
      1,
      1,
      gzipSync(Buffer.from([20, 0, 0, 254, 255, 255, 255, 15, 1, 1, 0])),
    ],
    ['records that stand backwards', 1, 2, gzipSync(Buffer.concat([numbered(1), numbered(0)]))],
    ['bytes behind the last record', 1, 1, gzipSync(Buffer.concat([nothing, Buffer.from([0])]))],
    ['more records than anybody sends', 1, 2_000_000_000, gzipSync(nothing)],
    ['snappy: 4 GB announced', 2, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0])],
    ['snappy: repeats what is not there', 2, 1, Buffer.from([4, 0x01, 9])],
    [
      'LZ4: repeats without end',
      3,
      1,
      lz4Frame(Buffer.concat([Buffer.from([0x1f, 0, 1, 0]), Buffer.alloc(200_000, 255)])),
    ],
    ['LZ4: repeats what is not there', 3, 1, lz4Frame(Buffer.from([0x10, 0, 9, 0, 0]))],
  ];

  it.each(cases)('%s is one record, with the bytes as they came', (_what, codec, count, bytes) => {
    const [bad, next, ...rest] = decodeBatches(
      Buffer.concat([batchOf(codec, count, bytes, 40), batchOf(0, 1, nothing, 40 + count)]),
    );
    expect(bad).toMatchObject({ offset: String(39 + count), value: bytes, key: null, headers: {} });
    expect(bad?.unreadable).toContain(`offsets 40 to ${39 + count}: `);
    expect(next).toMatchObject({ offset: String(40 + count), value: null });
    expect([next?.unreadable, rest]).toEqual([undefined, []]);
  });

  it('is looked at no further than the fetch goes', () => {
    const whole = batchOf(0, 1, nothing);
    expect(decodeBatches(Buffer.concat([whole, whole.subarray(0, -1)]))).toHaveLength(1);
  });
});

const LZ4_HEAD = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);

function lz4Frame(block: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(block.length);
  return Buffer.concat([LZ4_HEAD, size, block, Buffer.alloc(4)]);
}

it('a bare block of snappy, without the frame of Java, is read too', () => {
  // Ten bytes: a literal of two, then four with a distance of a byte and four with one of two bytes.
  const bare = Buffer.from([10, 0x04, 0x61, 0x62, 0x01, 2, 0x0e, 2, 0]);
  expect(unpack(CODECS.snappy, bare).toString()).toBe('ababababab');
  expect(() => unpack(CODECS.snappy, bare.subarray(0, -3))).toThrow('not as long');
});
