/** Positions, journal, redeliveries, documents, migrations, and which errors may pass. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConnectionError } from 'slonik';
import { z } from 'zod';
import { CodedError, randomId, TransientError } from '@lead-flood/kernel';
import {
  advancePositions,
  claimPositions,
  classify,
  connectionUri,
  createDocumentStore,
  createJournalWriter,
  endRedeliveries,
  expectedAttempts,
  expectRedeliveries,
  migrate,
  postgresErrors,
  pruneJournal,
  readJournal,
  readPositions,
  sql,
  sqlState,
} from '@lead-flood/postgres';
import type { Database } from '@lead-flood/postgres';
import type { TestDatabase } from '@lead-flood/testing';
import { fresh, migrations, schema } from './shared.ts';

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await fresh();
  ({ database } = test);
});
afterAll(() => test.drop());

describe('a position', () => {
  const at = { topic: 't', partition: 0 };
  const begin = { ...at, epoch: 1, nextOffset: 0, finished: [] };

  /** Claimed, and moved from its begin to this place. */
  async function startAt(group: string, nextOffset: number, partitions = [0]): Promise<void> {
    const claimed = await claimPositions(
      database,
      group,
      partitions.map((partition) => ({ ...at, partition })),
    );
    await advancePositions(
      database,
      group,
      claimed.map((place) => ({ ...place, expectedOffset: 0, nextOffset, finished: [] })),
    );
  }

  it('begins at the very beginning with its first owner, and where it stands with the next', async () => {
    expect(await claimPositions(database, 'g', [at])).toEqual([begin]);
    await advancePositions(database, 'g', [{ ...begin, expectedOffset: 0, nextOffset: 5 }]);
    expect(await claimPositions(database, 'g', [at])).toEqual([{ ...begin, epoch: 2, nextOffset: 5 }]);
  });

  it('is claimed together with others, known ones and new ones', async () => {
    const places = [0, 1, 2].map((partition) => ({ ...at, partition }));
    await claimPositions(database, 'many', places.slice(1, 2));
    const claimed = await claimPositions(database, 'many', places);
    const epochs = new Map(claimed.map(({ partition, epoch }) => [partition, epoch]));
    expect([0, 1, 2].map((partition) => epochs.get(partition))).toEqual([1, 2, 1]);
  });

  it('moves only for its owner and from where it stands', async () => {
    const move = (epoch: number, expectedOffset: number) =>
      advancePositions(database, 'g', [
        { topic: 't', partition: 0, epoch, expectedOffset, nextOffset: expectedOffset + 1, finished: [9, 12] },
      ]);
    await expect(move(1, 5)).rejects.toMatchObject({ name: TransientError.name, code: 'PGS_ERR_NOT_OWNER' });
    await expect(move(2, 4)).rejects.toMatchObject({ code: 'PGS_ERR_NOT_OWNER' });
    await move(2, 5);
    expect(await readPositions(database, 'g')).toEqual([
      { topic: 't', partition: 0, epoch: 2, nextOffset: 6, finished: [9, 12] },
    ]);
  });

  it('of one who finished something beyond an open message moves once, though it stays where it was', async () => {
    await startAt('stays', 5);
    const stay = { topic: 't', partition: 0, epoch: 1, expectedOffset: 5, nextOffset: 5 };
    const first = { ...stay, expectedFinished: 0, finished: [7] };
    await advancePositions(database, 'stays', [first]);
    await expect(advancePositions(database, 'stays', [first])).rejects.toMatchObject({ code: 'PGS_ERR_NOT_OWNER' });
    await advancePositions(database, 'stays', [{ ...stay, expectedFinished: 1, finished: [7, 9] }]);
    expect(await readPositions(database, 'stays')).toMatchObject([{ nextOffset: 5, finished: [7, 9] }]);
  });

  it('moves together with the others of its batch or not at all', async () => {
    await startAt('both', 5, [0, 1]);
    const good = { topic: 't', partition: 0, epoch: 1, expectedOffset: 5, nextOffset: 6, finished: [] };
    await expect(
      database.transaction((tx) => advancePositions(tx, 'both', [good, { ...good, partition: 1, epoch: 7 }])),
    ).rejects.toMatchObject({ code: 'PGS_ERR_NOT_OWNER' });
    expect((await readPositions(database, 'both')).map((position) => position.nextOffset)).toEqual([5, 5]);
  });
});

describe('the journal', () => {
  it('lets exactly one of many begin a step', async () => {
    const id = randomId();
    const writers = Array.from({ length: 8 }, () => createJournalWriter(database, 'g'));
    const begun = await Promise.all(writers.flatMap((writer) => [writer.begin(id, 'send'), writer.begin(id, 'send')]));
    expect(begun.filter(Boolean)).toHaveLength(1);
  });

  it('keeps the first answer of a step', async () => {
    const id = randomId();
    const journal = createJournalWriter(database, 'g');
    await journal.finish(id, 'ask', '"first"');
    await journal.finish(id, 'ask', '"second"');
    expect(await readJournal(database, 'g', [id])).toMatchObject([{ step: 'ask', done: true, answer: '"first"' }]);
  });

  it('takes back a beginning, never an answer', async () => {
    const id = randomId();
    const journal = createJournalWriter(database, 'g');
    await journal.begin(id, 'send');
    await journal.forget(id, 'send');
    expect(await journal.begin(id, 'send')).toBe(true);
    await journal.finish(id, 'send', '1');
    await journal.forget(id, 'send');
    expect(await readJournal(database, 'g', [id])).toHaveLength(1);
  });

  it('is a group’s own, and is pruned by age', async () => {
    const id = randomId();
    await createJournalWriter(database, 'mine').finish(id, 'ask', '1');
    expect(await readJournal(database, 'theirs', [id])).toEqual([]);
    expect(await pruneJournal(database, 1)).toBe(0);
    await database.query(
      sql.unsafe`update journal set started_at = now() - interval '2 days' where message_id = ${id}`,
    );
    expect(await pruneJournal(database, 1)).toBe(1);
  });
});

describe('a redelivery', () => {
  it('names the one attempt that counts', async () => {
    const messageId = randomId();
    const expectAttempt = (attempt: number) =>
      expectRedeliveries(database, 'g', [{ messageId, attempt, code: 'PRV_ERR_X', detail: '' }]);
    await expectAttempt(1);
    await expectAttempt(2);
    expect([...(await expectedAttempts(database, 'g', [messageId, randomId()]))]).toEqual([[messageId, 2]]);
    await endRedeliveries(database, 'g', [messageId]);
    expect(await expectedAttempts(database, 'g', [messageId])).toEqual(new Map());
  });
});

describe('a document', () => {
  const store = createDocumentStore({
    table: 'documents',
    state: z.object({ size: z.int() }),
    columns: [{ name: 'size', type: 'int4', of: (state) => state.size }],
  });
  const [org, otherOrg] = [randomId(), randomId()];
  const saved = (key: string, revision: number, size: number) => ({
    key,
    orgId: org,
    revision,
    published: 1,
    seen: { 's.v1': 4 },
    state: { size },
    passed: [],
  });

  it('comes back as it was saved, one revision on, with its columns', async () => {
    const key = randomId();
    await store.save(database, [saved(key, 0, 3)]);
    expect(await store.load(database, [key, randomId()])).toEqual(
      new Map([[key, { orgId: org, state: { size: 3 }, revision: 1, published: 1, seen: { 's.v1': 4 } }]]),
    );
    expect(
      await database.oneFirst(sql.type(z.object({ size: z.int() }))`select size from documents where key = ${key}`),
    ).toBe(3);
  });

  it('that somebody else saved since it was read is not overwritten, nor are the others of the save', async () => {
    const [key, other] = [randomId(), randomId()];
    await store.save(database, [saved(key, 0, 1)]);
    await store.save(database, [saved(key, 1, 2)]);
    const late = database.transaction((tx) => store.save(tx, [saved(key, 1, 99), saved(other, 0, 99)]));
    await expect(late).rejects.toMatchObject({ name: TransientError.name, code: 'PGS_ERR_VERSION_CONFLICT' });
    const after = await store.load(database, [key, other]);
    expect([after.get(key)?.state, after.get(other)]).toEqual([{ size: 2 }, undefined]);
  });

  it('that two create at once is created by one', async () => {
    const key = randomId();
    const results = await Promise.allSettled([
      store.save(database, [saved(key, 0, 1)]),
      store.save(database, [saved(key, 0, 2)]),
    ]);
    expect(results.map((result) => result.status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  it('of another organisation is not there', async () => {
    const key = randomId();
    await store.save(database, [saved(key, 0, 1)]);
    expect(await store.loadOf(database, org, key)).toMatchObject({ state: { size: 1 } });
    expect(await store.loadOf(database, otherOrg, key)).toBeNull();
  });

  it('whose state is not what the code expects is refused when it is read', async () => {
    const key = randomId();
    await store.save(database, [saved(key, 0, 1)]);
    await database.query(sql.unsafe`update documents set state = '{"size":"large"}' where key = ${key}`);
    await expect(store.load(database, [key])).rejects.toThrow();
  });
});

describe('migrations', () => {
  it('of several replicas that start at once are done once', async () => {
    const start = (): Promise<void> => migrate({ url: test.url, schema: 'replicas', folder: migrations });
    await Promise.all([start(), start(), start()]);
    const done = await database.anyFirst(
      sql.type(z.object({ name: z.string() }))`select name from replicas.migrations`,
    );
    expect(done).toEqual(['000001_create_documents']);
  });

  it('a second time change nothing', async () => {
    await migrate({ url: test.url, schema, folder: migrations });
    expect(await database.exists(sql.unsafe`select 1 from outbox`)).toBe(false);
  });

  it('leave each service in its own schema', () => {
    const uri = new URL(connectionUri({ url: 'postgres://u@h/db', schema: 'scoring', applicationName: 'scoring' }));
    expect(uri.searchParams.get('options')).toBe('-c search_path=scoring -c synchronous_commit=on');
  });
});

describe('an error', () => {
  const state = (code: string): Error => Object.assign(new Error('text of Postgres'), { code });

  it.each([
    ['40001', 'PGS_ERR_CONFLICT'],
    ['40P01', 'PGS_ERR_CONFLICT'],
    ['55P03', 'PGS_ERR_CONFLICT'],
    ['08006', 'PGS_ERR_UNAVAILABLE'],
    ['53300', 'PGS_ERR_UNAVAILABLE'],
    ['53100', 'PGS_ERR_UNAVAILABLE'],
    ['57P01', 'PGS_ERR_UNAVAILABLE'],
    ['57P03', 'PGS_ERR_UNAVAILABLE'],
  ] as const)('with SQLSTATE %s may pass: %s', (code, ours) => {
    const error = classify(new Error('wrapped', { cause: state(code) }));
    expect(error).toBeInstanceOf(TransientError);
    expect(error).toMatchObject({ code: ours, message: `SQLSTATE ${code}` });
    expect(Object.keys(postgresErrors)).toContain(ours);
  });

  it.each(['23505', '23514', '22P02', '42P01', '42601'])(
    'with SQLSTATE %s will not pass and stays as it is',
    (code) => {
      const error = state(code);
      expect(classify(error)).toBe(error);
      expect(sqlState(new Error('outer', { cause: error }))).toBe(code);
    },
  );

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'])('of the connection (%s) may pass', (code) => {
    expect(classify(Object.assign(new Error('connect failed'), { code }))).toMatchObject({
      name: TransientError.name,
      code: 'PGS_ERR_UNAVAILABLE',
    });
  });

  it('of a connection that ends while somebody takes it from the pool may pass, whatever it says', () => {
    const error = new ConnectionError('Client is pending destroy.', { cause: new Error('Client is pending destroy.') });
    expect(classify(error)).toMatchObject({ name: TransientError.name, code: 'PGS_ERR_UNAVAILABLE' });
  });

  it('of our own keeps its code', () => {
    const error = new CodedError('PGS_ERR_NOT_OWNER', 'x');
    expect(classify(error)).toBe(error);
  });

  it('of a terminated connection may pass, and the pool goes on', async () => {
    const doomed = database.transaction(async (tx) => {
      await tx.query(sql.unsafe`select pg_terminate_backend(pg_backend_pid())`);
    });
    await expect(doomed).rejects.toMatchObject({ name: TransientError.name, code: 'PGS_ERR_UNAVAILABLE' });
    expect(await database.oneFirst(sql.type(z.object({ n: z.int() }))`select 1 as n`)).toBe(1);
  });

  it('of a real conflict is told from a real violation', async () => {
    await database.query(sql.unsafe`insert into mails values ('canary@aurora.se.example')`);
    const violation = await database
      .query(sql.unsafe`insert into mails values ('canary@aurora.se.example')`)
      .catch((error: unknown) => error);
    expect(violation).not.toBeInstanceOf(TransientError);
    expect(sqlState(violation)).toBe('23505');
  });
});
