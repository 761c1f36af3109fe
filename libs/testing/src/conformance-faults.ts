/**
 * The part of the conformance suite in which something breaks beside the processor: the database in each way that may
 * pass, the group (a member joins, leaves, dies, wakes up late), the relay, and timers in the middle of it.
 */
import { expect } from 'vitest';
import type { OutgoingRecord } from '@lead-flood/kafka';
import { InvariantError, randomId } from '@lead-flood/kernel';
import { insertTimers, sql } from '@lead-flood/postgres';
import type { Case } from './conformance.ts';
import { outsideOfAll } from './fault-scope.ts';
import type { Line } from './line.ts';
import { eventually } from './waiting.ts';

/** The process dies here: nothing after the point happens, whatever was committed before stays. */
export class SimulatedCrash extends InvariantError {}

/** From the first passage of the point on, every point throws, until the hook is taken out: nothing more gets done. */
export function crashOnceAt(line: Line, point: string): Promise<void> {
  const reached = Promise.withResolvers<undefined>();
  let dead = false;
  line.onFault((passed) => {
    if (passed === point) dead = true;
    if (!dead) return;
    reached.resolve(undefined);
    throw new SimulatedCrash(`crashed at ${point}`);
  });
  return reached.promise;
}

const FAILURES = 3;

/** Fails the first times that the point is passed, and gives how often that was. */
function failAt(line: Line, point: string, fail: () => Promise<void> | void): () => number {
  let failures = 0;
  line.onFault(async (passed) => {
    if (passed !== point || failures === FAILURES) return;
    failures += 1;
    await fail();
  });
  return () => failures;
}

const throwing = (code: string) => (): never => {
  throw Object.assign(new Error('text of Postgres'), { code });
};

async function survives({ line, feed, expectEnd }: Case, point: string, fail: () => Promise<void> | void) {
  const failures = failAt(line, point, fail);
  await line.start();
  await feed();
  expect(failures()).toBeGreaterThan(0);
  await expectEnd();
}

/** Ends every connection of the line that is in the middle of a transaction, as a fail-over would. */
const endTransactions = (line: Line): Promise<void> =>
  outsideOfAll(async () => {
    await line.database.query(sql.unsafe`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and state = 'idle in transaction'
    `);
  });

const endRelayAtWork = (line: Line): Promise<void> =>
  outsideOfAll(async () => {
    await line.database.query(sql.unsafe`
      select pg_terminate_backend(l.pid) from pg_locks l join pg_database d on d.oid = l.database
      where l.locktype = 'advisory' and d.datname = current_database()
    `);
  });

async function groupIs(line: Line, group: string, state: string): Promise<void> {
  const admin = line.client.admin();
  await admin.connect();
  try {
    await eventually(`the group to be ${state}`, async () => {
      const { groups } = await admin.describeGroups([line.prefix + group]);
      return groups.some((one) => one.state === state);
    });
  } finally {
    await admin.disconnect();
  }
}

const halves = <T>(all: readonly T[]): [T[], T[]] => [all.slice(0, all.length >> 1), all.slice(all.length >> 1)];

/** The records as timers that are due one after the other from now on; their order within a key is that of the times. */
const asTimers = (records: readonly OutgoingRecord[]) =>
  records.map(({ topic, key, value, headers }, i) => ({
    id: randomId(),
    dueAt: Date.now() + i,
    topic,
    key: key === null ? null : key.toString(),
    value,
    headers,
  }));

export const databaseFaultCases: Readonly<Record<string, (given: Case) => Promise<void>>> = {
  'a serialisation failure is retried and leaves no trace': (given) =>
    survives(given, 'db.commit.before', throwing('40001')),

  'a deadlock is retried and leaves no trace': (given) => survives(given, 'db.commit.before', throwing('40P01')),

  'a connection that is lost before COMMIT leaves no trace': (given) =>
    survives(given, 'db.commit.before', () => endTransactions(given.line)),

  'an answer to COMMIT that is lost changes nothing': (given) =>
    survives(given, 'db.commit.after', throwing('ECONNRESET')),

  'a server without a free connection is asked again': (given) =>
    survives(given, 'db.commit.before', throwing('53300')),
};

/** What only a broker shows. */
export const groupFaultCases: Readonly<Record<string, (given: Case) => Promise<void>>> = {
  'a member that joins in mid-batch and leaves again changes nothing': async (given) => {
    const { line, first, feedRest, expectEnd } = given;
    const [before, after] = halves(first);
    line.addRelay();
    const staying = await line.join();
    const atCommit = Promise.withResolvers<undefined>();
    const mayCommit = Promise.withResolvers<undefined>();
    staying.onFault(async (point) => {
      if (point !== 'db.commit.before') return;
      atCommit.resolve(undefined);
      await mayCommit.promise;
    });
    await line.publishRaw(...before);
    await atCommit.promise;
    const joining = line.join();
    await groupIs(line, given.group, 'PreparingRebalance');
    mayCommit.resolve(undefined);
    const guest = await joining;
    await line.publishRaw(...after);
    await guest.stop();
    await line.caughtUp();
    await feedRest();
    await expectEnd();
  },

  'an owner that falls silent loses its partitions, and writes nothing when it wakes': async (given) => {
    const { line, first, feedRest, expectEnd } = given;
    line.addRelay();
    const zombie = await line.join();
    zombie.freeze();
    await line.publishRaw(...first);
    await eventually('the first owner to be in a transaction', () => inTransaction(line));
    await line.join();
    await line.caughtUp();
    await feedRest();
    await expectEnd();
    zombie.wake();
    await eventually('the late owner to be refused', () =>
      line.errors.some((error) => 'code' in error && error.code === 'PGS_ERR_NOT_OWNER'),
    );
    await expectEnd();
  },

  'timers that fall due while the group rebalances are each taken once': async (given) => {
    const { line, first, feedRest, expectEnd } = given;
    line.addRelay();
    const leaving = await line.join();
    await insertTimers(line.database, asTimers(first));
    await line.join();
    await leaving.stop();
    await eventually('the timers to fire', async () => !(await line.database.exists(sql.unsafe`select 1 from timers`)));
    await line.caughtUp();
    await feedRest();
    await expectEnd();
  },

  'two relays at once, of which the one at work dies, publish each event in its order': async (given) => {
    const { line, first, feedRest, expectEnd } = given;
    const [before, after] = halves(first);
    await line.start();
    line.addRelay();
    await line.publishRaw(...before);
    await line.caughtUp();
    await endRelayAtWork(line);
    await line.publishRaw(...after);
    await line.caughtUp();
    await feedRest();
    await expectEnd();
  },
};

const inTransaction = (line: Line): Promise<boolean> =>
  line.database.exists(
    sql.unsafe`select 1 from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
  );
