/**
 * Back-pressure: what a service takes on while somebody behind it is slow. The backlog has to stay in Kafka (memory does
 * not grow with it) and the group has to hold (a partition that is claimed anew was given to somebody, rightly or not).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Everything, ServiceName } from '@lead-flood/local';
import { createDatabase, sql } from '@lead-flood/postgres';
import type { Database, Queries } from '@lead-flood/postgres';
import { control } from '../control.ts';
import { measure, processesOf } from '../processes.ts';
import { streamLeads } from '../submissions.ts';
import { fillBacklog } from './shell.ts';

export type SlowResult = {
  readonly what: string;
  /** At the end of the slowness. */
  readonly waiting: number;
  readonly seconds: number;
  readonly rssMb: { readonly before: number; readonly most: number };
  /** Claims of partitions meanwhile: each new assignment makes one. */
  readonly claims: number;
};

const MESSAGES = 20_000;
const LOCK_MS = 10_000;
const LEADS = 5_000;
const CALL_MS = 2_000;
const CALLS_MS = 30_000;
/** What a process takes for its first thousands of messages is no growth. */
const WARM_UP = 5_000;
const LOOK_EVERY_MS = 200;
const GIVE_UP_MS = 300_000;
const lookups = ['apollo', 'hunter', 'pdl'];

/** Nobody can save a score for ten seconds. */
export async function runSlowDatabase(everything: Everything): Promise<SlowResult> {
  const database = await open(everything, 'scoring');
  const first = await passed(database, 'scoring');
  await fillBacklog(everything, WARM_UP);
  await eventuallyPassed(database, 'scoring', first + WARM_UP);
  const watch = await beginWatch(everything, 'scoring', database);
  const result = await database.transaction(async (tx) => {
    await tx.query(sql.unsafe`lock table lead_scores in access exclusive mode`);
    await fillBacklog(everything, MESSAGES, WARM_UP);
    await delay(LOCK_MS);
    return watch.end(tx, 'a table that scoring saves to is locked', first + WARM_UP + MESSAGES);
  });
  await eventuallyPassed(database, 'scoring', first + WARM_UP + MESSAGES);
  await database.end();
  return result;
}

/** Every provider takes two seconds for an answer. */
export async function runSlowProviders(everything: Everything): Promise<SlowResult> {
  const database = await open(everything, 'enrichment');
  const first = await passed(database, 'enrichment');
  await streamLeads(everything, { firstSeed: 30_000_000, count: WARM_UP, perSecond: 400 });
  await eventuallyPassed(database, 'enrichment', first + WARM_UP);
  for (const name of lookups)
    await control(everything, `providers/${name}`, { latencyMs: { p50: CALL_MS, p99: CALL_MS } });
  const watch = await beginWatch(everything, 'enrichment', database);
  await streamLeads(everything, { firstSeed: 31_000_000, count: LEADS, perSecond: LEADS });
  await delay(CALLS_MS);
  const result = await watch.end(database, `every provider call takes ${CALL_MS / 1_000} s`, first + WARM_UP + LEADS);
  for (const name of lookups) await control(everything, `providers/${name}`, { latencyMs: { p50: 0, p99: 0 } });
  await eventuallyPassed(database, 'enrichment', first + WARM_UP + LEADS);
  await database.end();
  return result;
}

const open = ({ addresses }: Everything, service: ServiceName): Promise<Database> =>
  createDatabase({ url: addresses.postgres, schema: service, applicationName: 'load-tests', connectionsMax: 2 });

const sum = sql.type(z.object({ sum: z.int() }));

/** Messages that the group has dealt with. */
const passed = (database: Queries, group: string): Promise<number> =>
  database.oneFirst(
    sum`select coalesce(sum(next_offset), 0)::int8 as sum from positions where consumer_group = ${group}`,
  );

const claimed = (database: Queries, group: string): Promise<number> =>
  database.oneFirst(sum`select coalesce(sum(epoch), 0)::int8 as sum from positions where consumer_group = ${group}`);

/** Redeliveries may add some of their own; nothing is taken away. */
async function eventuallyPassed(database: Database, group: string, count: number): Promise<void> {
  const until = Date.now() + GIVE_UP_MS;
  while ((await passed(database, group)) < count) {
    if (Date.now() > until) throw new Error(`${group} has not passed ${count} messages in ${GIVE_UP_MS} ms`);
    await delay(LOOK_EVERY_MS);
  }
}

type Watch = { readonly end: (database: Queries, what: string, all: number) => Promise<SlowResult> };

async function beginWatch(everything: Everything, service: ServiceName, database: Database): Promise<Watch> {
  const rssMb = (): number => measure(processesOf(everything)).get(service)?.rssMb ?? 0;
  const claimsBefore = await claimed(database, service);
  const startedAt = Date.now();
  const before = rssMb();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, rssMb());
  }, LOOK_EVERY_MS);
  return {
    end: async (asked, what, all) => {
      clearInterval(timer);
      const claims = (await claimed(asked, service)) - claimsBefore;
      const waiting = all - (await passed(asked, service));
      return { what, waiting, seconds: (Date.now() - startedAt) / 1_000, rssMb: { before, most }, claims };
    },
  };
}
