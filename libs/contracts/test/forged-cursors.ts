/** Texts that no list has written: garbage, other lists' and older forms, values that Postgres cannot read, random bytes. */
import { randomBytes } from 'node:crypto';

const id = '0198c0de-0000-7000-8000-000000000001';
const at = Date.parse('2026-12-01T00:00:00Z');
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A cursor of each list, all of them another's for every list but one. */
export const placesByList: Readonly<Record<string, readonly (string | number)[]>> = {
  threads: [at, id],
  leads: ['-createdAt', at, id],
  'dead-letters': [at, id],
  'dead-letter-acts': [at, id],
  callers: [id],
  jobs: [at, id],
  'upload-rows': [7],
};

const spoilt = (list: string, place: readonly (string | number)[]): unknown[] => {
  const values: readonly unknown[] = [
    null,
    true,
    {},
    [],
    '',
    '\u0000',
    'x'.repeat(1_000),
    -1,
    0.5,
    1e10 + 0.5,
    8.63e15,
    1e300,
    253_402_300_800_000,
    Number.MAX_SAFE_INTEGER,
    id.toUpperCase(),
    `{${id}}`,
    id.replaceAll('-', ''),
    '------------------------------------',
    '00000000-0000-0000-0000-00000000000g',
    "' or true --",
  ];
  return [
    [list],
    [list, ...place, 'more'],
    [list.toUpperCase(), ...place],
    [list, ...place.toReversed(), null],
    ...place.flatMap((_, i) => values.map((value) => [list, ...place.with(i, value as string)])),
  ];
};

export const forgedCursors: readonly string[] = [
  ...new Set([
    '',
    'garbage',
    '1',
    '999999999',
    '2026-12-01T00:00:00.000Z',
    '2026-12-01T00:00:00.000Z_not-a-uuid',
    'yesterday_00000000-0000-4000-8000-000000000000',
    '2026-13-45T00:00:00.000Z_00000000-0000-4000-8000-000000000000',
    '1_00000000-0000-4000-8000-000000000000',
    `Jan 1_${id}`,
    '2026-12-01T00:00:00.000Z_------------------------------------',
    `2026-12-01T00:00:00.000Z_${id}`,
    '\u0000',
    'ä',
    '%',
    '====',
    'x'.repeat(100_000).slice(0, 6_000),
    ...['', 0, null, {}, [], 'threads', [null], [[]], { 0: 'threads', 1: at, 2: id, length: 3 }].map(encode),
    encode(['-createdAt', at, id]),
    encode(['-score', 1e10, id]),
    encode(['leads', '-score', 2_147_483_648, id]),
    encode(['leads', '-score', at, id]),
    encode(['leads', 'name', at, id]),
    ...Object.entries(placesByList).flatMap(([list, place]) => spoilt(list, place).map(encode)),
    // The same place in another spelling.
    ...Object.entries(placesByList).flatMap(([list, place]) => [
      `${encode([list, ...place])}=`,
      ` ${encode([list, ...place])}`,
      Buffer.from(JSON.stringify([list, ...place], null, 1)).toString('base64url'),
    ]),
    ...Array.from({ length: 40 }, (_, i) => randomBytes(1 + i * 3).toString('base64url')),
    ...Array.from({ length: 10 }, (_, i) => randomBytes(8 + i).toString('latin1')),
  ]),
];
