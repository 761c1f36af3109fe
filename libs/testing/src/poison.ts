/** The kinds of records that must not stop a partition (F10 of the fault catalogue): ten made out of a good one, and a batch. */
import type { Codec, KafkaClient, OutgoingRecord } from '@lead-flood/kafka';
import { randomId } from '@lead-flood/kernel';
import type { TestEvent } from './line.ts';
import { encodeTestEvent } from './line.ts';

/** Where a test finds the kind again, on the dead letter. */
export const poisonHeader = 'kind';

const WIRE_PREFIX_BYTES = 5;
const HUGE = Buffer.from('808080808080808001', 'hex');
const manyHeaders = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`header-${i}`, String(i)]));

export function poison(codec: Codec, event: TestEvent): OutgoingRecord[] {
  const good = encodeTestEvent(codec, event);
  const value = good.value ?? Buffer.alloc(0);
  const unknownId = Buffer.from(value);
  unknownId.writeInt32BE(2_000_000_000, 1);
  const truncated = value.subarray(0, value.length - 4);
  const kinds: readonly (readonly [string, Buffer | null, Readonly<Record<string, string>>?])[] = [
    ['no magic byte', Buffer.from('{"json":true}')],
    ['empty', Buffer.alloc(0)],
    ['tombstone', null],
    ['truncated', truncated],
    ['huge length claim', Buffer.concat([value.subarray(0, WIRE_PREFIX_BYTES), HUGE])],
    ['trailing bytes', Buffer.concat([value, Buffer.from([1, 2, 3])])],
    ['unknown id', unknownId],
    ['good Avro, bad content', codec.encode(event.name, { ...event.data, orgId: 'not-an-id' })],
    ['2 MB', Buffer.concat([value, Buffer.alloc(2 * 1_048_576, 7)])],
    ['1,000 headers', truncated, manyHeaders],
  ];
  return kinds.map(([kind, bad, headers]) => ({
    topic: good.topic,
    key: randomId(),
    value: bad,
    headers: { ...headers, [poisonHeader]: kind },
  }));
}

/** What a batch may unpack to is less. */
const BOMB_BYTES = 40 * 1_048_576;
/** Kafka's number. */
const GZIP = 1;

/** A few kilobytes of a compressed batch that unpack to more than a process should hold; nothing of it can be read. */
export async function sendBomb(client: KafkaClient, topic: string): Promise<void> {
  const producer = client.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  await producer.send({ topic, acks: -1, compression: GZIP, messages: [{ value: Buffer.alloc(BOMB_BYTES) }] });
  await producer.disconnect();
}
