/**
 * Avro in the Confluent wire format, synchronously: one magic byte 0, four bytes of schema id, the record. Schemas
 * are looked up once (at start, or when a batch brings an id that is new); after that neither direction awaits. On avsc
 * rather than the registry's client, whose `decode` builds the resolver from the writer's schema to ours anew for every
 * message: 3,800 messages/s, against 659,000/s with one that is kept for each schema id.
 */
import { createRequire } from 'node:module';
import avro from 'avsc';
import type { EventName, Events } from '@lead-flood/contracts';
import { avroSchemas, recordNames, topicOf } from '@lead-flood/contracts';
import { CodedError } from '@lead-flood/kernel';
import type { KafkaErrorCode } from './errors.ts';
import type { Registry } from './registry.ts';

/** The magic byte and the schema id. */
const PREFIX_BYTES = 5;

/** The value ends where a number should stand. */
class EndOfValueError extends RangeError {}

/**
 * avsc looks at the bounds only once a value is read, so a record of twelve bytes that announces 2^40 map entries keeps
 * the process busy for ever. Every entry of ours begins with a number: there the end is noticed.
 */
function stopAtTheEnd(): void {
  type Tap = { buf: Buffer; pos: number };
  const require = createRequire(import.meta.url);
  const { Tap } = require('avsc/lib/utils') as { Tap: { prototype: { readLong: () => number } } };
  const { readLong } = Tap.prototype;
  Tap.prototype.readLong = function (this: Tap & { readLong: () => number }) {
    if (this.pos >= this.buf.length) throw new EndOfValueError('end of value');
    return readLong.call(this);
  };
}

stopAtTheEnd();

/** An id that the registry does not know may be registered a moment later; ask again after this long. */
const ABSENT_FOR_MS = 10_000;

export type Decoded =
  | { readonly ok: true; readonly name: EventName; readonly data: Events[EventName] }
  | { readonly ok: false; readonly code: KafkaErrorCode; readonly detail: string };

/** How to read what one writer's schema wrote: our event, and the resolver from the writer's schema to ours. */
type Reading = { name: EventName; type: avro.Type; resolver: object | undefined };

export type Codec = {
  /** The schema id of a value, or null when it has no wire prefix. */
  readonly schemaId: (value: Buffer) => number | null;
  readonly knows: (id: number) => boolean;
  /** Fetches an unknown id. Throws `TransientError` while the registry is away, so that the partition waits. */
  readonly learn: (id: number) => Promise<void>;
  /** Which event a value is, by its schema alone; null where that is not known or cannot be read. */
  readonly nameOf: (value: Buffer | null) => EventName | null;
  readonly decode: (value: Buffer | null) => Decoded;
  readonly encode: <N extends EventName>(name: N, data: Events[N]) => Buffer;
};

export const subjectOf = (name: EventName): string => `${topicOf[name]}-${recordNames[name]}`;

const parse = (schema: object): avro.Type => avro.Type.forSchema(schema as avro.Schema, { registry: {} });

const eventNames = Object.keys(avroSchemas) as EventName[];
const byRecordName = new Map(eventNames.map((name) => [recordNames[name], name]));

/** Prepares the codec: looks up the ids of every event in `writes`. */
export async function createCodec(registry: Registry, writes: readonly EventName[]): Promise<Codec> {
  const readings = new Map<number, Reading | KafkaErrorCode>();
  const absentSince = new Map<number, number>();
  const types = new Map(eventNames.map((name) => [name, parse(avroSchemas[name])]));
  const ids = new Map<EventName, number>();
  await Promise.all(
    writes.map(async (name) => {
      ids.set(name, await registry.lookup(subjectOf(name), avroSchemas[name]));
    }),
  );
  const encode = createEncoder(types, ids);

  async function learn(id: number): Promise<void> {
    const reading = await readingById(registry, id, types);
    readings.set(id, reading);
    if (reading === 'KFK_ERR_UNKNOWN_SCHEMA') absentSince.set(id, Date.now());
    else absentSince.delete(id);
  }

  return {
    learn,
    encode,
    schemaId: (value) => (value.length > PREFIX_BYTES - 1 && value[0] === 0 ? value.readInt32BE(1) : null),
    knows(id) {
      const since = absentSince.get(id);
      return readings.has(id) && (since === undefined || Date.now() - since < ABSENT_FOR_MS);
    },
    nameOf(value) {
      const reading = value === null || value.length < PREFIX_BYTES ? undefined : readings.get(value.readInt32BE(1));
      return value?.[0] !== 0 || reading === undefined || typeof reading === 'string' ? null : reading.name;
    },
    decode: (value) => decode(value, readings),
  };
}

async function readingById(
  registry: Registry,
  id: number,
  types: ReadonlyMap<EventName, avro.Type>,
): Promise<Reading | KafkaErrorCode> {
  try {
    const schema = await registry.schemaById(id);
    return schema === null ? 'KFK_ERR_UNKNOWN_SCHEMA' : readingOf(schema, types);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'KFK_ERR_INCOMPATIBLE_SCHEMA') return error.code;
    throw error;
  }
}

function readingOf(schema: object, types: ReadonlyMap<EventName, avro.Type>): Reading | KafkaErrorCode {
  try {
    const writer = parse(schema);
    const name = byRecordName.get(writer.name ?? '');
    const type = name === undefined ? undefined : types.get(name);
    if (name === undefined || type === undefined) return 'KFK_ERR_UNEXPECTED_EVENT';
    return { name, type, resolver: type.equals(writer) ? undefined : type.createResolver(writer) };
  } catch {
    // Both causes, a schema that is no Avro and one that ours cannot read, mean the same to the message.
    return 'KFK_ERR_INCOMPATIBLE_SCHEMA';
  }
}

function decode(value: Buffer | null, readings: ReadonlyMap<number, Reading | KafkaErrorCode>): Decoded {
  if (value === null || value.length === 0) return failed('KFK_ERR_EMPTY', 'tombstone or empty value');
  if (value.length < PREFIX_BYTES || value[0] !== 0)
    return failed('KFK_ERR_NO_MAGIC_BYTE', `starts with ${value.toString('hex', 0, 5)}`);
  const id = value.readInt32BE(1);
  const reading = readings.get(id);
  if (reading === undefined) return failed('KFK_ERR_UNKNOWN_SCHEMA', `schema id ${id}`);
  if (typeof reading === 'string') return failed(reading, `schema id ${id}`);
  try {
    const { value: data, offset } = reading.type.decode(value, PREFIX_BYTES, reading.resolver);
    if (offset < 0) return failed('KFK_ERR_TRUNCATED', `${value.length} bytes`);
    if (offset < value.length) return failed('KFK_ERR_TRAILING_BYTES', `${value.length - offset} bytes too many`);
    return { ok: true, name: reading.name, data: data as Events[EventName] };
  } catch (error) {
    if (error instanceof EndOfValueError) return failed('KFK_ERR_TRUNCATED', `${value.length} bytes`);
    // avsc's text may quote the value.
    return failed('KFK_ERR_CORRUPT', error instanceof Error ? error.name : typeof error);
  }
}

const failed = (code: KafkaErrorCode, detail: string): Decoded => ({ ok: false, code, detail });

/** One arena for all records: 2.1 us a record against 3.7 us with a buffer each; only the finished bytes are copied. */
function createEncoder(types: ReadonlyMap<EventName, avro.Type>, ids: ReadonlyMap<EventName, number>): Codec['encode'] {
  let arena = Buffer.allocUnsafe(64 * 1024);
  return (name, data) => {
    const type = types.get(name);
    const id = ids.get(name);
    if (type === undefined || id === undefined)
      throw new Error(`${name} is not among the events that this process writes`);
    for (;;) {
      arena[0] = 0;
      arena.writeInt32BE(id, 1);
      const end = type.encode(data, arena, PREFIX_BYTES);
      if (end > 0) return Buffer.from(arena.subarray(0, end));
      // A negative end says how many bytes were missing.
      arena = Buffer.allocUnsafe(Math.max(arena.length * 2, arena.length - end));
    }
  };
}
