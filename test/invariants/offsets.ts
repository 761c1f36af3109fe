/** I8. What Kafka was told, where the row stands, and what the tables show of it: each at most as far as the next. */
import { z } from 'zod';
import type { EventName } from '@lead-flood/contracts';
import { deadLetterFacts } from '@lead-flood/kafka';
import { readPositions, sql } from '@lead-flood/postgres';
import type { Group, Schema } from './groups.ts';
import { groups } from './groups.ts';
import type { Invariant, Violation } from './invariant.ts';
import { finding } from './invariant.ts';
import type { World } from './world.ts';

/** Events that leave a row in any case, of all groups that have such. */
export const traces: readonly {
  readonly group: string;
  readonly schema: Schema;
  readonly table: string;
  readonly topic: string;
  readonly events: readonly EventName[];
}[] = [
  {
    group: 'enrichment',
    schema: 'enrichment',
    table: 'lead_enrichments',
    topic: 'discovery.lead.v1',
    events: ['LeadDiscovered'],
  },
  {
    group: 'scoring',
    schema: 'scoring',
    table: 'lead_scores',
    topic: 'enrichment.lead.v1',
    events: ['LeadEnriched', 'LeadEnrichmentFailed'],
  },
  {
    group: 'analytics',
    schema: 'analytics',
    table: 'lead_models',
    topic: 'discovery.lead.v1',
    events: ['LeadDiscovered'],
  },
];

/** Groups of which no event leaves a row in any case, and who else would miss what they passed. */
export const traceless: Readonly<Record<string, string>> = {
  discovery: 'I1 looks for the outcome of every submission',
  outreach: 'what a score leads to depends on its band: I1 looks for the end of every lead',
  'outreach-send': 'a message may be suppressed: I1 looks for the end of every lead',
  'call-allocation': 'what a score leads to depends on its band: I1 looks for the end of every lead',
  'call-allocation-calls': 'a repeated report leaves nothing',
  'call-allocation-clock': 'remembers the newest tick alone',
  'scoring-rules': 'of an ICP that is known already nothing is kept',
  'ingest-gateway-jobs': 'what is overtaken leaves nothing; I1 looks for the leads of every upload',
  'ingest-gateway-clock': 'remembers the newest tick alone',
  'analytics-clock': 'remembers the newest tick alone',
  'analytics-dead-letters': 'retires old letters, so that a missing row is no sign',
};

export const offsets: Invariant = {
  name: 'I8',
  sentence: 'No offset is committed beyond a record that was not processed.',
  atRest: false,
  async check(world) {
    const told = await Promise.all(groups.map((group) => toldTooFar(world, group)));
    const gone = await Promise.all(traces.map((trace) => withoutTrace(world, trace)));
    const all = [...told, ...gone];
    return finding(
      all.reduce((sum, one) => sum + one.looked, 0),
      all.flatMap((one) => one.violations),
    );
  },
};

type Part = { readonly looked: number; readonly violations: readonly Violation[] };

async function toldTooFar(world: World, group: Group): Promise<Part> {
  // First Kafka, then the rows, then the ends: whatever moves meanwhile moves the later reading ahead.
  const admin = world.client.admin();
  await admin.connect();
  const told = await admin
    .fetchOffsets({ groupId: group.name, topics: [...group.reads] })
    .finally(() => admin.disconnect());
  const positions = await readPositions(world.database(group.schema), group.name);
  const rows = new Map(positions.map((p) => [`${p.topic}/${p.partition}`, p.nextOffset]));
  const violations: Violation[] = told.flatMap(({ topic, partitions }) =>
    partitions.flatMap(({ partition, offset }) => {
      const row = rows.get(`${topic}/${partition}`) ?? 0;
      if (Number(offset) <= row) return [];
      return [
        { id: `${group.name} ${topic}/${partition}`, what: `Kafka was told ${offset}, the row stands at ${row}` },
      ];
    }),
  );
  for (const topic of new Set(positions.map((p) => p.topic))) {
    const ends = await world.ends(topic);
    for (const p of positions.filter((one) => one.topic === topic)) {
      const high = ends[p.partition]?.high ?? 0;
      if (p.nextOffset > high)
        violations.push({
          id: `${group.name} ${topic}/${p.partition}`,
          what: `stands at ${p.nextOffset}, the topic ends at ${high}`,
        });
    }
  }
  return { looked: positions.length, violations };
}

async function withoutTrace(world: World, trace: (typeof traces)[number]): Promise<Part> {
  const { group, schema, table, topic, events } = trace;
  const database = world.database(schema);
  const positions = new Map(
    (await readPositions(database, group)).filter((p) => p.topic === topic).map((p) => [p.partition, p]),
  );
  const keys = new Set(
    await database.anyFirst(sql.type(z.object({ key: z.string() }))`select key from ${sql.identifier([table])}`),
  );
  const letters = new Set(
    (await world.records(`${group}.dead-letter.v1`)).flatMap((record) => {
      const facts = deadLetterFacts(record);
      return facts === null ? [] : [`${facts.topic}/${facts.partition}@${facts.offset}`];
    }),
  );
  const waiting = new Set(
    await database.anyFirst(sql.type(z.object({ id: z.string() }))`
      select message_id as id from redeliveries where consumer_group = ${group}
    `),
  );
  const passed = (await world.events(topic)).filter((event) => {
    const place = positions.get(event.record.partition);
    return events.includes(event.name) && place !== undefined && event.record.offset < place.nextOffset;
  });
  const violations = passed.flatMap((event) => {
    const at = `${topic}/${event.record.partition}@${event.record.offset}`;
    if (keys.has(event.key) || letters.has(at) || waiting.has(event.id)) return [];
    return [{ id: event.key, what: `${group} has passed ${at} and left no row in ${table}` }];
  });
  return { looked: passed.length, violations };
}
