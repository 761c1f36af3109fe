/** The ten kinds of records that must not stop a partition (F10 of the fault catalogue), made out of a good one. */
import type { Codec, OutgoingRecord } from '@lead-flood/kafka';
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
