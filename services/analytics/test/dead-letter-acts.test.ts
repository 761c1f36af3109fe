/** Many dead letters in an operator's hands: none of the acts takes all of them at once. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import type { TestDatabase } from '@lead-flood/testing';
import { createTestDatabase } from '@lead-flood/testing';
import type { Letter, LetterPlace } from '../src/dead-letter-acts.ts';
import { countLetters, letterPages, listActs, purgeLetters, readLetters } from '../src/dead-letter-acts.ts';
import { migrations } from './harness.ts';

const PAGE = 500;
const PURGED_TOGETHER = 10_000;

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await createTestDatabase({ schema: 'analytics', migrations });
  ({ database } = test);
});
afterAll(() => test.drop());
beforeEach(async () => {
  await database.query(sql.unsafe`truncate dead_letters, dead_letter_archive, dead_letter_acts`);
});

/** Three to a microsecond, and a thousand to a millisecond. */
const fill = (place: LetterPlace, letters: number): Promise<unknown> =>
  database.query(sql.unsafe`
    insert into ${sql.identifier([place])}
      (id, consumer_group, topic, partition, "offset", code, detail, step, key, headers, value, at)
    select gen_random_uuid(), 'scoring', 'enrichment.lead.v1', 0, n, 'KFK_ERR_TRUNCATED', '', 'decode', n::text, '{}',
      'value', '2026-03-01T12:00:00Z'::timestamptz + (n / 3) * interval '1 microsecond'
    from generate_series(1, ${letters}) as n
  `);

/** How many rows each statement has answered with, or deleted. */
function watched(): { readonly queries: Database; readonly rows: number[] } {
  const rows: number[] = [];
  const any: Database['any'] = async (query) => {
    const found = await database.any(query);
    rows.push(found.length);
    return found;
  };
  const transaction: Database['transaction'] = (body) =>
    database.transaction(async (tx) => {
      const before = await countLetters(tx, {});
      const value = await body(tx);
      rows.push(before - (await countLetters(tx, {})));
      return value;
    });
  return { queries: { ...database, any, transaction }, rows };
}

async function all(queries: Database, place: LetterPlace): Promise<Letter[]> {
  const found: Letter[] = [];
  for await (const page of letterPages(queries, place, { group: 'scoring' })) found.push(...page);
  return found;
}

describe('more dead letters than are held at once', () => {
  it.each<LetterPlace>(['dead_letters', 'dead_letter_archive'])(
    '[X-DL-03] in %s are found a page at a time, each once, oldest first, and without their values',
    async (place) => {
      await fill(place, 2 * PAGE + 3);
      const { queries, rows } = watched();
      const found = await all(queries, place);
      expect(rows).toEqual([PAGE, PAGE, 3]);
      expect(new Set(found.map(({ id }) => id)).size).toBe(2 * PAGE + 3);
      expect(found.map(({ place: at }) => at)).toEqual(found.map(({ place: at }) => at).toSorted());
      expect(found[0]).toMatchObject({ bytes: 5 });
      expect(found[0]).not.toHaveProperty('value');
      const [first] = await readLetters(queries, place, [found[0]?.id ?? '']);
      expect(first?.value?.toString()).toBe('value');
    },
  );

  it('[X-DL-02] are purged so many in a transaction, hot and archived ones, and the act says how many', async () => {
    await fill('dead_letters', PURGED_TOGETHER + 7);
    await fill('dead_letter_archive', 5);
    const { queries, rows } = watched();
    expect(await purgeLetters(queries, { group: 'scoring' }, 'ada')).toBe(PURGED_TOGETHER + 12);
    expect(rows).toEqual([PURGED_TOGETHER, 7, 5]);
    expect(await countLetters(database, {})).toBe(0);
    const { items } = await listActs(database, 'everybody', { limit: 10 });
    expect(items).toMatchObject([
      { act: 'purge', who: 'ada', matched: PURGED_TOGETHER + 12, acted: PURGED_TOGETHER + 12 },
    ]);
  });
});
