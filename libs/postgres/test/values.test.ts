/** Values on their way to Postgres and back: hand-written array literals, own parsers, validated rows. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InvariantError } from '@lead-flood/kernel';
import { booleans, bytes, jsons, numbers, sql, texts, times, toStorable } from '@lead-flood/postgres';
import type { Database } from '@lead-flood/postgres';
import type { TestDatabase } from '@lead-flood/testing';
import { fresh } from './shared.ts';

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await fresh();
  ({ database } = test);
});
afterAll(() => test.drop());

/** What `unnest` gives for the literal, in its order. */
const unnested = async <T>(literal: string, type: string, value: z.ZodType<T>): Promise<readonly T[]> =>
  database.anyFirst(
    sql.type(
      z.object({ v: value }),
    )`select v from unnest(${literal}::${sql.identifier([type])}[]) with ordinality as u(v, n) order by n`,
  );

const RUNS = { numRuns: 60 };
const nasty = fc.constantFrom(
  '',
  'NULL',
  'null',
  '{}',
  '{a,b}',
  '"',
  '\\',
  '\\"',
  "'",
  ',',
  ' ',
  '\n',
  '\t',
  'Zoë 👩‍💻',
  '\\x41',
  '$1',
  '--',
  ';drop table x',
);

describe('an array of JSON texts', () => {
  it('carries every document, control characters and empty ones included', async () => {
    const document = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('\u001f', { 'a\u001fb': ['\u001f', '\0'] }, [], {}, '', null),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(document, { minLength: 1, maxLength: 20 }), async (documents) => {
        const given = documents.map((one) => JSON.stringify(one));
        const taken = await database.anyFirst(
          sql.type(z.object({ v: z.string() }))`
            select v from unnest(${jsons(given)}) with ordinality as u(v, n) order by n
          `,
        );
        expect(taken).toEqual(given);
      }),
      RUNS,
    );
  });
});

describe('an array literal', () => {
  it('carries every text', async () => {
    const text = fc
      .oneof(nasty, fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }))
      .map((one) => one.replaceAll('\0', ''));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text, { nil: null })), async (values) => {
        expect(await unnested(texts(values), 'text', z.string().nullable())).toEqual(values);
      }),
      RUNS,
    );
  });

  it('drops the one character that Postgres cannot store', async () => {
    for (const bad of ['a\0b', '\0', 'a\ud800b'])
      await expect(unnested(texts([bad]), 'text', z.string())).rejects.toMatchObject({
        code: 'PGS_ERR_UNSTORABLE_TEXT',
      });
    expect(toStorable('a\0b\ud800')).toBe('a\ufffdb\ufffd');
  });

  it('carries every byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(fc.uint8Array(), { nil: null })), async (arrays) => {
        const values = arrays.map((array) => (array === null ? null : Buffer.from(array)));
        expect(await unnested(bytes(values), 'bytea', z.instanceof(Buffer).nullable())).toEqual(values);
      }),
      RUNS,
    );
  });

  it('carries numbers, truth values and times', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(fc.maxSafeInteger(), { nil: null })), async (values) => {
        expect(await unnested(numbers(values), 'int8', z.number().nullable())).toEqual(
          values.map((value) => (value === null ? null : value + 0)),
        );
      }),
      RUNS,
    );
    expect(await unnested(numbers([0.1, 1e21, -2.5e-7, null]), 'float8', z.number().nullable())).toEqual([
      0.1,
      1e21,
      -2.5e-7,
      null,
    ]);
    expect(await unnested(booleans([true, null, false]), 'bool', z.boolean().nullable())).toEqual([true, null, false]);
    const moments = [0, 1_772_445_600_123, null];
    expect(await unnested(times(moments), 'timestamptz', z.number().nullable())).toEqual(moments);
  });
});

describe('a parser', () => {
  const one = <T>(text: string, type: z.ZodType<T>): Promise<T> =>
    database.oneFirst(sql.type(z.object({ v: type }))`select ${text}::${sql.identifier(['int8'])} as v`);

  it('gives a bigint as a number as long as it is one exactly', async () => {
    expect(await one(String(Number.MAX_SAFE_INTEGER), z.number())).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('refuses a bigint that would be rounded', async () => {
    await expect(one('9007199254740993', z.number())).rejects.toThrow(/does not fit a number/);
    expect(InvariantError.name).toBe('InvariantError');
  });

  it('keeps decimals as text and days as text: money and birthdays are not rounded', async () => {
    const row = await database.one(sql.type(z.object({ n: z.string(), d: z.string(), t: z.number() }))`
      select 0.1::numeric as n, '2026-03-29'::date as d, '2026-03-02T10:00:00Z'::timestamptz as t
    `);
    expect(row).toEqual({ n: '0.1', d: '2026-03-29', t: Date.parse('2026-03-02T10:00:00Z') });
  });
});

describe('a row', () => {
  it('that is not what its statement promises is refused', async () => {
    await expect(database.one(sql.type(z.object({ n: z.string() }))`select 1 as n`)).rejects.toThrow(
      /do not conform with the schema/,
    );
  });
});
