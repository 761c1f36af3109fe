/** The outbox relay: commit order, one at a time, nothing lost, what a crash repeats; the partitions it lives in; timers. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { topics } from '@lead-flood/contracts';
import { CodedError, randomId, setFaultHook } from '@lead-flood/kernel';
import {
  createDatabase,
  fireDueTimers,
  insertOutbox,
  insertTimers,
  maintainOutbox,
  readJournal,
  sql,
  startRelay,
} from '@lead-flood/postgres';
import type { Database, OutboxMessage, Relay } from '@lead-flood/postgres';
import { eventually } from '@lead-flood/testing';
import type { TestDatabase } from '@lead-flood/testing';
import { fresh, message, schema } from './shared.ts';

let test: TestDatabase;
let relays: Relay[];
let others: Database[];
beforeEach(async () => {
  test = await fresh();
  relays = [];
  others = [];
});
afterEach(async () => {
  setFaultHook(null);
  await Promise.all(relays.map((relay) => relay.stop()));
  await Promise.all(others.map((database) => database.end()));
  await test.drop();
});

type Heard = { readonly keys: string[]; readonly sends: number[]; readonly errors: string[] };

function relay(
  database: Database = test.database,
  publish: (messages: readonly OutboxMessage[]) => Promise<void> = () => Promise.resolve(),
  silenceMs?: number,
): Heard {
  const heard: Heard = { keys: [], sends: [], errors: [] };
  relays.push(
    startRelay({
      database,
      schema,
      publish: async (messages) => {
        await publish(messages);
        heard.keys.push(...messages.map((one) => one.key ?? ''));
        heard.sends.push(messages.length);
      },
      onError: (error) => heard.errors.push(error.message),
      ...(silenceMs === undefined ? {} : { silenceMs }),
    }),
  );
  return heard;
}

const insert = (...keys: string[]): Promise<void> =>
  test.database.transaction((tx) =>
    insertOutbox(
      tx,
      keys.map((key) => message(key)),
    ),
  );
const heardAll = (heard: Heard, count: number): Promise<boolean> =>
  eventually(`${count} messages`, () => heard.keys.length >= count);

/** The same database, and how often a connection of it has asked for rows: whoever waits for a look can see it. */
function watched(database: Database): { readonly database: Database; readonly looks: () => number } {
  let looks = 0;
  const connect: Database['connect'] = (work) =>
    database.connect((connection) =>
      work(
        new Proxy(connection, {
          get: (target, name) => {
            if (name === 'any') looks += 1;
            return Reflect.get(target, name) as unknown;
          },
        }),
      ),
    );
  return { database: { ...database, connect }, looks: () => looks };
}

async function anotherPool(name: string): Promise<Database> {
  const database = await createDatabase({ url: test.url, schema, applicationName: name, connectionsMax: 2 });
  others.push(database);
  return database;
}

describe('the relay', () => {
  it('publishes in the order of the commits, and keeps everything of a message', async () => {
    await insert('a', 'b');
    await insert('c');
    const got: OutboxMessage[] = [];
    const heard = relay(test.database, (messages) => Promise.resolve(void got.push(...messages)));
    await heardAll(heard, 3);
    expect(heard.keys).toEqual(['a', 'b', 'c']);
    expect(got[0]).toEqual(message('a'));
  });

  it('never skips a transaction that began earlier and commits later', async () => {
    const { database, looks } = watched(test.database);
    const heard = relay(database);
    const begun = Promise.withResolvers<undefined>();
    const mayEnd = Promise.withResolvers<undefined>();
    const slow = test.database.transaction(async (tx) => {
      await insertOutbox(tx, [message('slow')]);
      begun.resolve(undefined);
      await mayEnd.promise;
    });
    await begun.promise;
    await insert('fast-1');
    await insert('fast-2');
    // A cursor on the sequence alone would read past the slow one here, and never come back.
    const before = looks();
    await eventually('the relay to have looked', () => looks() > before + 1);
    mayEnd.resolve(undefined);
    await slow;
    await insert('last');
    await heardAll(heard, 4);
    expect(heard.keys.toSorted()).toEqual(['fast-1', 'fast-2', 'last', 'slow']);
    expect(heard.keys.indexOf('fast-1')).toBeLessThan(heard.keys.indexOf('fast-2'));
    expect(heard.keys.at(-1)).toBe('last');
  });

  it('keeps the order in which the rows of an aggregate were written, not that of the transactions’ numbers', async () => {
    const begun = Promise.withResolvers<undefined>();
    const mayWrite = Promise.withResolvers<undefined>();
    // Numbered first, as a transaction is that has claimed something before it waits for the aggregate's row.
    const older = test.database.transaction(async (tx) => {
      await tx.query(sql.unsafe`select pg_current_xact_id()`);
      begun.resolve(undefined);
      await mayWrite.promise;
      await insertOutbox(tx, [message('version 2')]);
    });
    await begun.promise;
    await insert('version 1');
    mayWrite.resolve(undefined);
    await older;
    const heard = relay();
    await heardAll(heard, 2);
    expect(heard.keys).toEqual(['version 1', 'version 2']);
  });

  it('loses nothing when many transactions interleave', async () => {
    const heard = relay();
    const pool = await anotherPool('writers');
    await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        (i % 2 === 0 ? pool : test.database).transaction(async (tx) => {
          await insertOutbox(tx, [message(`${i}-1`)]);
          await delay(i % 7);
          await insertOutbox(tx, [message(`${i}-2`)]);
        }),
      ),
    );
    await heardAll(heard, 120);
    expect(new Set(heard.keys).size).toBe(120);
    expect(heard.keys).toHaveLength(120);
    for (let i = 0; i < 60; i += 1) expect(heard.keys.indexOf(`${i}-1`)).toBeLessThan(heard.keys.indexOf(`${i}-2`));
  });

  it('works in one process at a time; the other takes over when the first one’s connection dies', async () => {
    const first = relay(await anotherPool('relay-1'));
    await insert('a');
    await heardAll(first, 1);
    const second = relay(await anotherPool('relay-2'));
    await insert('b');
    await heardAll(first, 2);
    expect(second.keys).toEqual([]);

    const [firstRelay] = relays;
    await test.database.query(
      sql.unsafe`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'relay-1' and datname = current_database()`,
    );
    await firstRelay?.stop();
    await insert('c');
    await heardAll(second, 1);
    expect(second.keys).toEqual(['c']);
  });

  it('that falls silent loses its lock to the next one, and cannot move the cursor when it wakes', async () => {
    const wakes = Promise.withResolvers<undefined>();
    const [silent, next] = [await anotherPool('silent'), await anotherPool('next')];
    await insert('a');
    const first = relay(silent, () => wakes.promise, 300);
    await eventually('the first one to be silent', () =>
      test.database.exists(sql.unsafe`select 1 from pg_locks where locktype = 'advisory'`),
    );
    const second = relay(next);
    await heardAll(second, 1);
    wakes.resolve(undefined);
    await eventually('the first one to be told', () => first.errors.length > 0);
    await insert('b');
    await heardAll(second, 2);
    expect(second.keys).toEqual(['a', 'b']);
  });

  it('that dies between publishing and noting it publishes the same rows again, and none else', async () => {
    await insert('a', 'b');
    let crashes = 1;
    setFaultHook((point) => {
      if (point === 'relay.published' && crashes-- > 0) throw new Error('dies here');
    });
    const heard = relay();
    await heardAll(heard, 4);
    await insert('c');
    await heardAll(heard, 5);
    expect(heard.keys).toEqual(['a', 'b', 'a', 'b', 'c']);
  });

  it('tries again when the broker does not take the rows', async () => {
    let refusals = 2;
    const heard = relay(test.database, () =>
      refusals-- > 0 ? Promise.reject(new Error('broker away')) : Promise.resolve(),
    );
    await insert('a');
    await heardAll(heard, 1);
    expect(heard.errors).toEqual(['broker away', 'broker away']);
    expect(heard.keys).toEqual(['a']);
  });

  it('sends no more at once than the broker accepts; a larger one travels alone', async () => {
    const block = Buffer.alloc(300_000, 1);
    await test.database.transaction((tx) =>
      insertOutbox(tx, [
        ...['a', 'b', 'c'].map((key) => message(key, block)),
        message('huge', Buffer.alloc(900_000)),
        message('d', block),
      ]),
    );
    const heard = relay();
    await heardAll(heard, 5);
    expect(heard.keys).toEqual(['a', 'b', 'c', 'huge', 'd']);
    expect(heard.sends).toEqual([2, 1, 1, 1]);
  });
});

describe('a record that is too large for the broker', () => {
  it('goes as a stub that says so; the others go as they are, in their order', async () => {
    const got: OutboxMessage[] = [];
    const heard = relay(test.database, (messages) => {
      if (messages.some(({ value }) => (value?.length ?? 0) > 1_000))
        return Promise.reject(new CodedError('KFK_ERR_TOO_LARGE', 'the broker refuses it'));
      got.push(...messages);
      return Promise.resolve();
    });
    await test.database.transaction((tx) =>
      insertOutbox(tx, [message('a'), message('huge', Buffer.alloc(5_000)), message('b')]),
    );
    await insert('c');
    await heardAll(heard, 4);
    expect(heard.keys).toEqual(['a', 'huge', 'b', 'c']);
    const stub = { ...message('huge', null), headers: { 'message-id': 'huge', 'too-large': '5000' } };
    expect(got).toEqual([message('a'), stub, message('b'), message('c')]);
    expect(heard.errors).toContain('the broker refuses it');
  });
});

describe('partitions of the outbox', () => {
  const names = () =>
    test.database.anyFirst(sql.type(z.object({ name: z.string() }))`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'outbox'::regclass order by 1
  `);

  it('are made from yesterday to the day after tomorrow, and made once', async () => {
    const now = Date.parse('2030-05-10T12:00:00Z');
    await maintainOutbox(test.database, now);
    await maintainOutbox(test.database, now);
    expect(await names()).toEqual(
      expect.arrayContaining(['outbox_20300509', 'outbox_20300510', 'outbox_20300511', 'outbox_20300512']),
    );
  });

  it('are made by many replicas at the same moment without one of them failing', async () => {
    const day = Date.parse('2031-01-01T12:00:00Z');
    for (let round = 0; round < 10; round += 1)
      await Promise.all(Array.from({ length: 6 }, () => maintainOutbox(test.database, day + round * 5 * 86_400_000)));
    expect((await names()).filter((name) => name > 'outbox_2031')).toHaveLength(4);
  });

  it('are dropped when old and published, and kept while a row is not', async () => {
    const old = Date.parse('2020-01-10T12:00:00Z');
    await maintainOutbox(test.database, old);
    await test.database.query(
      sql.unsafe`insert into outbox (created_at, topic, headers) values ('2020-01-10T10:00:00Z', 'test.v1', '{}')`,
    );
    await maintainOutbox(test.database);
    expect((await names()).filter((name) => name < 'outbox_2021')).toEqual(['outbox_20200110']);

    const heard = relay();
    await heardAll(heard, 1);
    await eventually('the cursor to move', async () => {
      await maintainOutbox(test.database);
      return (await names()).every((name) => name > 'outbox_2021');
    });
  });
});

describe('the journal', () => {
  it('keeps what a replay of the longest topic can still ask for, and no more', async () => {
    const [kept, dropped] = [randomId(), randomId()];
    const topic = Math.max(
      ...Object.values(topics).flatMap((t) =>
        t.events.length > 0 && t.retentionDays !== null ? [t.retentionDays] : [],
      ),
    );
    const enter = (id: string, days: number) =>
      test.database.query(sql.unsafe`
        insert into journal (consumer_group, message_id, step, done, answer, started_at)
        values ('g', ${id}, 'ask', true, '1', now() - make_interval(days => ${days}) + interval '1 hour')
      `);
    await enter(kept, topic);
    await enter(dropped, topic + 2);
    relay();
    await eventually('the pruning', async () => (await readJournal(test.database, 'g', [dropped])).length === 0);
    expect(await readJournal(test.database, 'g', [kept])).toHaveLength(1);
  });
});

describe('a timer', () => {
  const timer = (id: string, dueAt: number, key: string) => ({ ...message(key), id, dueAt });

  it('fires once, when it is due, in the order of the times', async () => {
    await insertTimers(test.database, [
      timer(randomId(), Date.now() - 1_000, 'second'),
      timer(randomId(), Date.now() - 5_000, 'first'),
      timer(randomId(), Date.now() + 60_000, 'later'),
    ]);
    const fired = await Promise.all([
      fireDueTimers(test.database),
      fireDueTimers(test.database),
      fireDueTimers(test.database),
    ]);
    expect(fired.reduce((sum, n) => sum + n, 0)).toBe(2);
    const heard = relay();
    await heardAll(heard, 2);
    expect(heard.keys).toEqual(['first', 'second']);
    expect(await fireDueTimers(test.database)).toBe(0);
  });

  it('with an id that is there already is kept as it was', async () => {
    const id = randomId();
    await insertTimers(test.database, [timer(id, Date.now() + 60_000, 'first')]);
    await insertTimers(test.database, [timer(id, Date.now() - 1_000, 'again')]);
    expect(await fireDueTimers(test.database)).toBe(0);
  });
});
