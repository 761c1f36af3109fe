// First and last names of data/names.csv by country, drawn with weight 1/rank. Only names: who carries them, where
// and in which spelling is decided in people.ts.
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';

export interface Name {
  readonly country: string;
  readonly gender: string;
  readonly script: string;
  /** in the country's own writing */
  readonly own: string;
  /** transliteration, or the name itself in Latin script; empty when the source gives none */
  readonly latin: string;
  /** `latin` without diacritics, for mailboxes; empty when `latin` is */
  readonly ascii: string;
  readonly rank: number;
}

interface Pool {
  readonly names: readonly Name[];
  /** running sum of 1/rank, same length as `names` */
  readonly sums: readonly number[];
}

/**
 * First names are dealt into this many slices, and people.ts gives each visit to a company another slice: two people
 * of one company then differ in their first name for 8 rounds through all companies (some 36,000 seeds). Without it
 * about 0.5 % of 20,000 people were namesakes at one company, and a finder asked by name mixed them up.
 */
export const sliceCount = 8;

const row = z.object({
  kind: z.enum(['first', 'last']),
  country_iso2: z.string().length(2),
  gender: z.string(),
  script: z.string(),
  name: z.string().min(1),
  latin: z.string(),
  ascii: z.string(),
  // 72 rows have no rank: weighed as a name in the middle of its list
  rank: z.string().transform((value) => (value === '' ? 20 : Number(value))),
});

function createPool(names: readonly Name[]): Pool {
  let sum = 0;
  return { names, sums: names.map((name) => (sum += 1 / name.rank)) };
}

function loadPools(): { first: Map<string, Pool[]>; last: Map<string, Pool> } {
  const file = readFileSync(new URL('../data/names.csv', import.meta.url));
  const groups = new Map<string, Map<string, Name>>();
  for (const r of z.array(row).parse(parse(file, { columns: true, bom: true }))) {
    const lastOf = r.gender === '' ? ['M', 'F'] : [r.gender];
    const keys = r.kind === 'first' ? [`first ${r.country_iso2}`] : lastOf.map((g) => `last ${r.country_iso2} ${g}`);
    const { country_iso2: country, gender, script, name: own, latin, ascii, rank } = r;
    for (const key of keys) {
      const group = groups.get(key) ?? new Map<string, Name>();
      // the same name may stand in the women's and the men's list: the first one counts
      if (!group.has(own)) group.set(own, { country, gender, script, own, latin, ascii, rank });
      groups.set(key, group);
    }
  }
  const first = new Map<string, Pool[]>();
  const last = new Map<string, Pool>();
  for (const [key, group] of groups) {
    const names = [...group.values()];
    const country = key.slice(key.indexOf(' ') + 1);
    if (key.startsWith('last')) last.set(country, createPool(names));
    else first.set(country, deal(names));
  }
  return { first, last };
}

function deal(names: readonly Name[]): Pool[] {
  const slices = Math.min(sliceCount, names.length);
  return Array.from({ length: slices }, (_, slice) => createPool(names.filter((_name, i) => i % slices === slice)));
}

const pools = loadPools();

export function hasNames(country: string): boolean {
  return pools.first.has(country) && (pools.last.has(`${country} M`) || pools.last.has(`${country} F`));
}

/** Throws when the country has no names: ask `hasNames` first. */
export function drawFirstName(country: string, slice: number, position: number): Name {
  const slices = pools.first.get(country) ?? [];
  return draw(slices[slice % slices.length], position);
}

/** A last name in the form for the gender where the language has two (Russian); throws like `drawFirstName`. */
export function drawLastName(country: string, gender: string, position: number): Name {
  return draw(pools.last.get(`${country} ${gender === 'F' ? 'F' : 'M'}`) ?? pools.last.get(`${country} M`), position);
}

function draw(pool: Pool | undefined, position: number): Name {
  if (pool === undefined) throw new Error('no names for this country');
  const target = position * (pool.sums.at(-1) ?? 0);
  let low = 0;
  let high = pool.sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pool.sums[middle] ?? 0) > target) high = middle;
    else low = middle + 1;
  }
  const name = pool.names[low];
  if (name === undefined) throw new Error('a pool of names is empty');
  return name;
}
