/** F18: two of those of which one may work at a time. Of relay and timer wheel the lock decides, of the clocks a lease. */
import { z } from 'zod';
import type { Database } from '@lead-flood/postgres';
import { createDatabase, sql } from '@lead-flood/postgres';
import { eventually } from '@lead-flood/testing';
import type { Fault, Stage } from '../stage.ts';
import {
  freeze,
  hits,
  killAndRestart,
  lookupsUnderWay,
  messagesUnderWay,
  pause,
  processOf,
  PUT_OUT,
  readers,
  remedy,
  shows,
} from '../stage.ts';

/** The ticker's lease, after which another replica's next look takes it. */
const LEASE_MS = 15_000;
const LOOK_MS = 5_000;
/** Long enough to see the other one tick in most trials, a minute being a period. */
const TICK_WITHIN_MS = 20_000;

export const twoSchedulers: Fault = {
  name: 'F18',
  sentence: 'two relays and timer wheels, or two tickers: the one that holds the lock or the lease stops, and wakes',
  doubtsMax: messagesUnderWay,
  paidTwiceMax: lookupsUnderWay,
  inject: (stage) => (stage.random.oneOf(['relay', 'ticker'] as const) === 'relay' ? relays(stage) : tickers(stage)),
  heal: remedy,
};

async function withReplica(stage: Stage, name: (typeof readers)[number]): Promise<void> {
  const replica = await stage.product.replica(name);
  stage.remedies.push(async () => {
    await replica.stop();
  });
}

async function relays(stage: Stage): Promise<void> {
  const name = stage.random.oneOf(readers.filter((reader) => reader !== 'analytics'));
  stage.say(`relay of ${name}`);
  hits(stage, name);
  shows(stage, [name], '"message":"ready"');
  await withReplica(stage, name);
  const holder = processOf(stage, name);
  process.kill(holder.pid, 'SIGSTOP');
  await pause(3_000 + stage.random.upTo(3_000));
  process.kill(holder.pid, 'SIGCONT');
  await pause(500);
  await killAndRestart(stage, name);
}

async function tickers(stage: Stage): Promise<void> {
  const database = await createDatabase({
    url: stage.stack.addresses.postgres,
    schema: 'analytics',
    applicationName: 'fault',
    connectionsMax: 1,
  });
  try {
    const { holder, until } = await leaseOf(database);
    // Analytics runs alone: once its lease is renewed, the holder is that process and no former one.
    await eventually(
      'the lease to be renewed',
      async () => {
        const now = await leaseOf(database);
        return now.until > until && now.holder === holder;
      },
      LEASE_MS + 2 * LOOK_MS,
    );
    await withReplica(stage, 'analytics');
    shows(stage, ['analytics'], PUT_OUT);
    // Awake again, it looks once more beside the one that has taken over.
    stage.remedies.push(() => pause(LOOK_MS + 1_000));
    const frozenAt = Date.now();
    freeze(stage, processOf(stage, 'analytics').pid);
    await eventually(
      'the replica to take the lease over',
      async () => (await leaseOf(database)).holder !== holder,
      LEASE_MS + 3 * LOOK_MS,
    );
    const takenAt = Date.now();
    while ((await tickedAt(database)) < takenAt && Date.now() - takenAt < TICK_WITHIN_MS) await pause(500);
    const ticked = (await tickedAt(database)) >= takenAt ? 'ticks' : 'has not had to tick';
    stage.say(`ticker: the other takes over after ${takenAt - frozenAt} ms and ${ticked}; then the first one wakes`);
  } finally {
    await database.end();
  }
}

const lease = z.object({ holder: z.string(), until: z.number() });

const leaseOf = (database: Database): Promise<z.infer<typeof lease>> =>
  database.one(sql.type(lease)`
    select holder, (extract(epoch from until) * 1000)::bigint as until from leases where name = 'ticker'
  `);

const tickedAt = (database: Database): Promise<number> =>
  database.oneFirst(sql.type(z.object({ at: z.number() }))`
    select (extract(epoch from max(fired_at)) * 1000)::bigint as at from ticks
  `);
