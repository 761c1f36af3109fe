/** A lease on a real database: one holder at a time, and a number by which a former one is told from the present one. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { advanceTicks, holdLease, releaseLease, sql, takeLease, untilNextTick } from '@lead-flood/postgres';
import type { Database } from '@lead-flood/postgres';
import type { TestDatabase } from '@lead-flood/testing';
import { eventually } from '@lead-flood/testing';
import { fresh } from './shared.ts';

/** The pool refuses a second connection to whoever is inside of a transaction. */
const outsideOfTransaction = AsyncLocalStorage.snapshot();

let test: TestDatabase;
let database: Database;
beforeAll(async () => {
  test = await fresh();
  ({ database } = test);
});
afterAll(() => test.drop());

const TTL_MS = 60_000;
const take = (name: string, holder: string): Promise<number | null> =>
  takeLease(database, { name, holder, ttlMs: TTL_MS });
/** What the passing of its time does to a lease. */
const expire = (name: string) =>
  database.query(sql.unsafe`update leases set until = now() - interval '1 second' where name = ${name}`);
const writeUnder = (name: string, fence: number, key: string): Promise<void> =>
  database.transaction(async (tx) => {
    await holdLease(tx, name, fence);
    await tx.query(sql.unsafe`insert into mails values (${key})`);
  });
const isWritten = (key: string): Promise<boolean> =>
  database.exists(sql.unsafe`select 1 from mails where email = ${key}`);

describe('a lease', () => {
  it('is held by one of two until its time has passed', async () => {
    expect(await take('one', 'ada')).toBe(1);
    expect(await take('one', 'bob')).toBeNull();
    await expire('one');
    expect(await take('one', 'bob')).toBe(2);
    expect(await take('one', 'ada')).toBeNull();
  });

  it('is taken by one of many that ask at once', async () => {
    const holders = Array.from({ length: 8 }, (_, i) => `holder-${i}`);
    const first = await Promise.all(holders.map((holder) => take('many', holder)));
    expect(first.filter((fence) => fence !== null)).toEqual([1]);
    await expire('many');
    const second = await Promise.all(holders.map((holder) => take('many', holder)));
    expect(second.filter((fence) => fence !== null)).toHaveLength(1);
  });

  it('keeps its number when it is renewed, also after its time when nobody else came', async () => {
    expect([await take('renewed', 'ada'), await take('renewed', 'ada')]).toEqual([1, 1]);
    await expire('renewed');
    expect(await take('renewed', 'ada')).toBe(1);
    expect(await take('renewed', 'bob')).toBeNull();
  });

  it('that was given back is free at once; giving back what another holds changes nothing', async () => {
    await take('given', 'ada');
    await releaseLease(database, { name: 'given', holder: 'bob', ttlMs: TTL_MS });
    expect(await take('given', 'bob')).toBeNull();
    await releaseLease(database, { name: 'given', holder: 'ada', ttlMs: TTL_MS });
    expect(await take('given', 'bob')).toBe(2);
  });

  it('[C-23] refuses what a former holder writes under its number, whole', async () => {
    await take('fenced', 'ada');
    await writeUnder('fenced', 1, 'in time');
    await expire('fenced');
    await take('fenced', 'bob');
    await expect(writeUnder('fenced', 1, 'too late')).rejects.toMatchObject({ code: 'PGS_ERR_LEASE_LOST' });
    await writeUnder('fenced', 2, 'by the new one');
    expect([await isWritten('in time'), await isWritten('too late'), await isWritten('by the new one')]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('cannot be taken over in the middle of a write', async () => {
    await take('busy', 'ada');
    await expire('busy');
    let taking: Promise<number | null> | undefined;
    await database.transaction(async (tx) => {
      await holdLease(tx, 'busy', 1);
      taking = outsideOfTransaction(() => take('busy', 'bob'));
      await eventually('the other one to wait', () =>
        tx.exists(sql.unsafe`
          select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
        `),
      );
      expect(await tx.oneFirst(fenceOf('busy'))).toBe(1);
    });
    expect(await taking).toBe(2);
  });
});

const fenceOf = (name: string) => sql.type(z.object({ fence: z.int() }))`select fence from leases where name = ${name}`;

describe('the ticks that are due', () => {
  /** Long enough that no test lives to see its next period. */
  const daily = (name: string) => [{ name, everyMs: 86_400_000 }];
  /** What passing time does, seen from the row. */
  const moveBack = (name: string, periods: number) =>
    database.query(sql.unsafe`update ticks set period = period - ${periods} where name = ${name}`);

  it('are those of the running period, once', async () => {
    const [due, ...others] = await advanceTicks(database, daily('once'));
    expect(others).toEqual([]);
    expect(due?.dueAt).toBe((due?.period ?? 0) * 86_400_000);
    expect(Math.abs(Date.now() - (due?.dueAt ?? 0))).toBeLessThanOrEqual(86_400_000 + 60_000);
    expect(await advanceTicks(database, daily('once'))).toEqual([]);
  });

  it('are the latest only after a gap', async () => {
    const before = await advanceTicks(database, daily('gap'));
    await moveBack('gap', 7);
    expect(await advanceTicks(database, daily('gap'))).toEqual(before);
  });

  it('come never again when the database’s clock goes back', async () => {
    await advanceTicks(database, daily('back'));
    await moveBack('back', -3);
    expect(await advanceTicks(database, daily('back'))).toEqual([]);
  });

  it('say how long it is until the first of them', async () => {
    await advanceTicks(database, daily('written'));
    expect(await untilNextTick(database, [...daily('written'), ...daily('never written')])).toBe(0);
    const ms = await untilNextTick(database, daily('written'));
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThanOrEqual(86_400_000);
  });
});
