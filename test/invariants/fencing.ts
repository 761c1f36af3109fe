/**
 * I7. Rows do not carry the number of who wrote them. What a late owner's write leaves behind does stand in the tables: the
 * same decision twice in the outbox, a revision that does not follow, a remembered place behind the position.
 */
import { z } from 'zod';
import { sql } from '@lead-flood/postgres';
import type { Schema } from './groups.ts';
import { schemas } from './groups.ts';
import type { Invariant, Violation } from './invariant.ts';
import { finding } from './invariant.ts';
import type { World } from './world.ts';

const SHOWN_MAX = 1_000;

const documents: readonly (readonly [Schema, string])[] = [
  ['discovery', 'leads'],
  ['enrichment', 'lead_enrichments'],
  ['scoring', 'lead_scores'],
  ['outreach', 'conversations'],
  ['call_allocation', 'call_tasks'],
  ['call_allocation', 'call_logs'],
  ['analytics', 'lead_models'],
];

export const fencing: Invariant = {
  name: 'I7',
  sentence: 'No row was written by somebody who no longer owned the partition.',
  atRest: false,
  async check(world) {
    const twice = await Promise.all(schemas.map((schema) => decidedTwice(world, schema)));
    const broken = await Promise.all(documents.map(([schema, table]) => brokenRevisions(world, schema, table)));
    const places = await Promise.all(schemas.map((schema) => impossiblePlaces(world, schema)));
    const looked = await Promise.all(
      schemas.map((schema) =>
        world.database(schema).oneFirst(sql.type(z.object({ n: z.int() }))`select count(*) as n from outbox`),
      ),
    );
    return finding(
      looked.reduce((sum, n) => sum + n, 0),
      [...twice, ...broken, ...places].flat(),
      ['the outbox keeps two days: what was decided twice before that is not seen here'],
    );
  },
};

const written = z.object({ topic: z.string(), id: z.string(), n: z.int() });

/** A message's id follows from its cause, so whoever decides the same input a second time writes the same id again. */
async function decidedTwice(world: World, schema: Schema): Promise<Violation[]> {
  // A redelivery and a dead letter keep the id of their original: the try and the place tell them apart.
  const rows = await world.database(schema).any(sql.type(written)`
    select topic, headers::jsonb ->> 'message-id' as id, count(*) as n
    from outbox
    where headers::jsonb ? 'message-id'
    group by topic, headers::jsonb ->> 'message-id', headers::jsonb ->> 'attempt', headers::jsonb ->> 'dead-letter-offset',
      headers::jsonb ->> 'dead-letter-topic', headers::jsonb ->> 'replays'
    having count(*) > 1
    limit ${SHOWN_MAX}
  `);
  return rows.map(({ topic, id, n }) => ({ id, what: `was decided ${n} times (${topic})` }));
}

async function brokenRevisions(world: World, schema: Schema, table: string): Promise<Violation[]> {
  const rows = await world.database(schema).anyFirst(sql.type(z.object({ key: z.string() }))`
    select key from ${sql.identifier([table])} where revision <> previous_revision + 1 limit ${SHOWN_MAX}
  `);
  return rows.map((id) => ({ id, what: `${schema}.${table}: its revision does not follow from the one before` }));
}

const place = z.object({ consumer_group: z.string(), topic: z.string(), partition: z.int() });

async function impossiblePlaces(world: World, schema: Schema): Promise<Violation[]> {
  const rows = await world.database(schema).any(sql.type(place)`
    select consumer_group, topic, partition from positions where epoch < 1 or next_offset = any(finished)
  `);
  return rows.map((p) => ({
    id: `${p.consumer_group} ${p.topic}/${p.partition}`,
    what: 'stands before an offset that it remembers as done',
  }));
}
