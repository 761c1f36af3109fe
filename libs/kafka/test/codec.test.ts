/** Bytes: what comes back, what is refused and with which code, and how schemas of other versions are read. */
import { createRequire } from 'node:module';
import avro from 'avsc';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { avroSchemas, recordNames } from '@lead-flood/contracts';
import { createCodec, kafkaErrors } from '@lead-flood/kafka';
import type { Codec, KafkaErrorCode, Registry } from '@lead-flood/kafka';
import { TransientError } from '@lead-flood/kernel';
import { sampleEnriched, sampleSubmitted } from '@lead-flood/testing';
import { eventNames, realRegistry } from './peer.ts';

/** A registry in memory: its schemas can be added while the codec runs, and it can be away. */
type MemoryRegistry = Registry & { readonly schemas: Map<number, object>; away: boolean; asked: number };

function memoryRegistry(): MemoryRegistry {
  const schemas = new Map<number, object>();
  const registry: MemoryRegistry = {
    schemas,
    away: false,
    asked: 0,
    lookup: (_subject: string, schema: object) => {
      schemas.set(schemas.size + 1, schema);
      return Promise.resolve(schemas.size);
    },
    schemaById: (id: number) => {
      registry.asked += 1;
      if (registry.away) return Promise.reject(new TransientError('KFK_ERR_REGISTRY_UNAVAILABLE', 'away'));
      return Promise.resolve(schemas.get(id) ?? null);
    },
    register: () => Promise.reject(new Error('services never register')),
  };
  return registry;
}

const parse = (schema: object): avro.Type => avro.Type.forSchema(schema as avro.Schema, { registry: {} });
const framed = (id: number, payload: Buffer): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeInt32BE(id, 1);
  return Buffer.concat([prefix, payload]);
};

/** avsc gives records classes of their own; what counts is what they hold. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('every event', () => {
  let codec: Codec;
  beforeAll(async () => {
    codec = await createCodec(realRegistry(), eventNames);
    for (const name of eventNames)
      await codec.learn(codec.schemaId(codec.encode(name, parse(avroSchemas[name]).random() as never)) ?? 0);
  });

  it.each(eventNames)('%s comes back as it was written', (name) => {
    const type = parse(avroSchemas[name]);
    for (let i = 0; i < 20; i += 1) {
      const data: unknown = type.random();
      const decoded = codec.decode(codec.encode(name, data as never));
      expect(decoded).toMatchObject({ ok: true, name });
      expect(decoded.ok && type.isValid(decoded.data)).toBe(true);
      expect(decoded.ok && plain(decoded.data)).toEqual(plain(data));
    }
  });

  it('begins with the magic byte 0 and the id of its schema, as any Kafka client of any language writes it', () => {
    const bytes = codec.encode('LeadSubmitted', sampleSubmitted());
    expect(bytes[0]).toBe(0);
    expect(codec.schemaId(bytes)).toBeGreaterThan(0);
    expect(parse(avroSchemas.LeadSubmitted).fromBuffer(bytes.subarray(5))).toMatchObject({ source: 'crm' });
  });

  it('keeps text of every script, and long texts', () => {
    const attributes = { greek: 'Ζωή', emoji: '👩‍💻', arabic: 'مرحبا', quotes: `"'\\`, long: 'x'.repeat(200_000) };
    const decoded = codec.decode(codec.encode('LeadSubmitted', sampleSubmitted({ attributes })));
    expect(decoded.ok && decoded.data).toMatchObject({ attributes });
  });

  it('cannot be written by a process that did not say that it writes it', async () => {
    const reader = await createCodec(realRegistry(), []);
    expect(() => reader.encode('LeadEnriched', sampleEnriched())).toThrow(/not among the events/);
  });
});

describe('bytes that are no event', () => {
  let codec: Codec;
  let good: Buffer;
  const registry = memoryRegistry();
  beforeAll(async () => {
    codec = await createCodec(registry, ['LeadEnriched', 'LeadSubmitted']);
    good = codec.encode('LeadEnriched', sampleEnriched());
    registry.schemas.set(70, { type: 'record', name: 'Foreign', fields: [] });
    registry.schemas.set(71, {
      type: 'record',
      name: recordNames.LeadEnriched,
      fields: [{ name: 'orgId', type: 'int' }],
    });
    registry.schemas.set(72, { type: 'no such type' });
    for (const id of [1, 2, 70, 71, 72, 99]) await codec.learn(id);
  });
  const submittedAt = 5 + 37 + 37;

  it.each<[string, () => Buffer | null, KafkaErrorCode]>([
    ['a tombstone', () => null, 'KFK_ERR_EMPTY'],
    ['no bytes', () => Buffer.alloc(0), 'KFK_ERR_EMPTY'],
    ['JSON', () => Buffer.from('{"a":1}'), 'KFK_ERR_NO_MAGIC_BYTE'],
    ['a magic byte and half an id', () => good.subarray(0, 3), 'KFK_ERR_NO_MAGIC_BYTE'],
    ['an id that the registry does not know', () => framed(99, good.subarray(5)), 'KFK_ERR_UNKNOWN_SCHEMA'],
    ['an id that nobody has looked up', () => framed(1_234, good.subarray(5)), 'KFK_ERR_UNKNOWN_SCHEMA'],
    ['a schema of somebody else', () => framed(70, Buffer.alloc(0)), 'KFK_ERR_UNEXPECTED_EVENT'],
    ['a schema that ours cannot read', () => framed(71, Buffer.from([2])), 'KFK_ERR_INCOMPATIBLE_SCHEMA'],
    ['a schema that is no Avro', () => framed(72, Buffer.from([2])), 'KFK_ERR_INCOMPATIBLE_SCHEMA'],
    ['nothing but the prefix', () => good.subarray(0, 5), 'KFK_ERR_TRUNCATED'],
    ['all but the last byte', () => good.subarray(0, good.length - 1), 'KFK_ERR_TRUNCATED'],
    ['a byte too many', () => Buffer.concat([good, Buffer.from([0])]), 'KFK_ERR_TRAILING_BYTES'],
    [
      'a string of 2^40 bytes',
      () => Buffer.concat([good.subarray(0, 5), parse({ type: 'long' }).toBuffer(2 ** 40), good.subarray(6)]),
      'KFK_ERR_TRUNCATED',
    ],
    [
      'a time beyond 2^53',
      () =>
        Buffer.concat([
          good.subarray(0, submittedAt),
          Buffer.from('ffffffffffffffff7f', 'hex'),
          good.subarray(submittedAt + 6),
        ]),
      'KFK_ERR_CORRUPT',
    ],
  ])('%s is refused', (_what, bytes, code) => {
    const decoded = codec.decode(bytes());
    expect(decoded).toMatchObject({ ok: false, code });
    expect(Object.keys(kafkaErrors)).toContain(code);
  });

  it('every cut of a good value is refused and never throws', () => {
    for (let length = 0; length < good.length; length += 1)
      expect(codec.decode(good.subarray(0, length))).toMatchObject({ ok: false });
  });

  it('a byte changed anywhere gives an event or a code, never a throw', () => {
    for (let at = 5; at < good.length; at += 1) {
      const changed = Buffer.from(good);
      changed[at] = (changed[at] ?? 0) ^ 0x11;
      expect(typeof codec.decode(changed).ok).toBe('boolean');
    }
  });

  it('a detail never quotes what the value says', () => {
    const truncated = codec.decode(good.subarray(0, good.length - 1));
    expect(JSON.stringify(truncated)).not.toMatch(/@|Lindqvist/);
  });
});

describe('another version of a schema', () => {
  // Generated as constants of a narrower type each; here it is any record.
  const older = avroSchemas.LeadEnriched as unknown as { fields: object[] };
  const newer = { ...older, fields: [{ name: 'mood', type: 'string', default: 'calm' }, ...older.fields] };

  it('with an added field is read, and the field left out', async () => {
    const registry = memoryRegistry();
    registry.schemas.set(50, newer);
    const codec = await createCodec(registry, []);
    await codec.learn(50);
    const bytes = framed(50, parse(newer).toBuffer({ mood: 'merry', ...sampleEnriched() }));
    const decoded = codec.decode(bytes);
    expect(decoded).toMatchObject({ ok: true, name: 'LeadEnriched', data: { confidence: 0.95 } });
    expect(decoded.ok && 'mood' in decoded.data).toBe(false);
  });

  it('builds its resolver once, not for each message', async () => {
    const registry = memoryRegistry();
    registry.schemas.set(50, newer);
    const codec = await createCodec(registry, []);
    await codec.learn(50);
    const resolved = vi.spyOn(avro.Type.prototype, 'createResolver');
    const bytes = framed(50, parse(newer).toBuffer({ mood: 'merry', ...sampleEnriched() }));
    for (let i = 0; i < 100; i += 1) expect(codec.decode(bytes).ok).toBe(true);
    expect(resolved).not.toHaveBeenCalled();
    resolved.mockRestore();
  });
});

describe('an id that is new', () => {
  it('waits while the registry is away, instead of being refused', async () => {
    const registry = memoryRegistry();
    const codec = await createCodec(registry, []);
    registry.away = true;
    await expect(codec.learn(7)).rejects.toBeInstanceOf(TransientError);
    expect(codec.knows(7)).toBe(false);
    registry.away = false;
    registry.schemas.set(7, avroSchemas.LeadEnriched);
    await codec.learn(7);
    expect(codec.decode(framed(7, parse(avroSchemas.LeadEnriched).toBuffer(sampleEnriched()))).ok).toBe(true);
  });

  it('is asked for once, whatever follows with it', async () => {
    const registry = memoryRegistry();
    registry.schemas.set(7, avroSchemas.LeadEnriched);
    const codec = await createCodec(registry, []);
    await codec.learn(7);
    for (let i = 0; i < 5; i += 1) if (!codec.knows(7)) await codec.learn(7);
    expect(registry.asked).toBe(1);
  });

  it('that the registry does not know is asked for again a little later, and may be registered by then', async () => {
    const registry = memoryRegistry();
    const codec = await createCodec(registry, []);
    await codec.learn(7);
    expect(codec.knows(7)).toBe(true);
    expect(codec.decode(framed(7, Buffer.from([1])))).toMatchObject({ ok: false, code: 'KFK_ERR_UNKNOWN_SCHEMA' });
    vi.useFakeTimers({ now: Date.now() + 11_000, toFake: ['Date'] });
    expect(codec.knows(7)).toBe(false);
    vi.useRealTimers();
    registry.schemas.set(7, avroSchemas.LeadEnriched);
    await codec.learn(7);
    expect(codec.decode(framed(7, parse(avroSchemas.LeadEnriched).toBuffer(sampleEnriched()))).ok).toBe(true);
  });
});

describe('defaults of avsc that bite', () => {
  it('a number beyond 2^53 throws instead of being rounded', () => {
    expect(() => parse({ type: 'long' }).toBuffer(2 ** 53)).toThrow();
  });

  it('an unknown field is dropped without a word, so doors validate with zod', () => {
    const type = parse({ type: 'record', name: 'R', fields: [{ name: 'a', type: 'int' }] });
    expect(type.fromBuffer(type.toBuffer({ a: 1, b: 2 }))).toEqual({ a: 1 });
  });

  it('is still the version that these were seen with', () => {
    const { version } = createRequire(import.meta.url)('avsc/package.json') as { version: string };
    expect(version).toBe('5.7.9');
  });
});
