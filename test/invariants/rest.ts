/** I9. Nothing waits: no outbox row unpublished, no message unread, no timer overdue, no input between two tries, no import before the door. */
import { z } from 'zod';
import { sql } from '@lead-flood/postgres';
import type { Schema } from './groups.ts';
import { groups, schemas } from './groups.ts';
import type { Invariant, Violation } from './invariant.ts';
import { finding } from './invariant.ts';
import type { World } from './world.ts';

const waiting = z.object({ unpublished: z.int(), overdue: z.int(), again: z.int() });

export const rest: Invariant = {
  name: 'I9',
  sentence: 'Within the recovery time the outbox is empty and the lag is 0.',
  atRest: false,
  async check(world) {
    const lags = (await Promise.all(groups.map((group) => world.lag(group)))).flat();
    const behind = lags
      .filter((place) => place.lag > 0)
      .map(({ group, topic, partition, lag }) => ({
        id: `${group.name} ${topic}/${partition}`,
        what: `is ${lag} behind`,
      }));
    const tables = await Promise.all(schemas.map((schema) => waitingIn(world, schema)));
    const imports = await notLetIn(world);
    return finding(lags.length + schemas.length + 1, [...behind, ...tables.flat(), ...imports]);
  },
};

async function notLetIn(world: World): Promise<Violation[]> {
  const leads = await world
    .database('ingest_gateway')
    .oneFirst(sql.type(z.object({ leads: z.int() }))`select coalesce(sum(leads), 0)::int as leads from admissions`);
  return leads === 0 ? [] : [{ id: 'ingest_gateway', what: `${leads} leads of files and lists wait to be let in` }];
}

async function waitingIn(world: World, schema: Schema): Promise<Violation[]> {
  const { unpublished, overdue, again } = await world.database(schema).one(sql.type(waiting)`
    select
      (select count(*) from outbox where (tx, seq) > (select tx, seq from relay_cursor where slot = 0)) as unpublished,
      (select count(*) from timers where due_at < now() - interval '5 seconds') as overdue,
      (select count(*) from redeliveries) as again
  `);
  return [
    { count: unpublished, what: 'rows of the outbox are not published' },
    { count: overdue, what: 'timers are overdue' },
    { count: again, what: 'inputs wait for another try' },
  ]
    .filter(({ count }) => count > 0)
    .map(({ count, what }) => ({ id: schema, what: `${count} ${what}` }));
}
