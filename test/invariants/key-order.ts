/** I3. An aggregate numbers its events; a topic must have them in that order, each of them, up to what its row has counted. */
import { z } from 'zod';
import { sql } from '@lead-flood/postgres';
import type { TopicName } from '@lead-flood/contracts';
import { headerNames, headerText } from '@lead-flood/kafka';
import type { Schema } from './groups.ts';
import type { Invariant, Violation } from './invariant.ts';
import { finding } from './invariant.ts';
import type { Seen, World } from './world.ts';

/** The topics that one aggregate counts its events over, and the table whose rows it is. */
type Aggregate = {
  readonly topics: readonly TopicName[];
  readonly table: { readonly schema: Schema; readonly name: string } | null;
  /** Where the numbers of a key have holes by their nature: only their order is judged. */
  readonly holes?: string;
};

export const aggregates: readonly Aggregate[] = [
  { topics: ['discovery.lead.v1'], table: { schema: 'discovery', name: 'leads' } },
  { topics: ['enrichment.lead.v1'], table: { schema: 'enrichment', name: 'lead_enrichments' } },
  { topics: ['scoring.lead.v1'], table: { schema: 'scoring', name: 'lead_scores' } },
  { topics: ['outreach.send.v1', 'outreach.message.v1'], table: { schema: 'outreach', name: 'conversations' } },
  { topics: ['discovery.icp.v1'], table: { schema: 'discovery', name: 'icps' } },
  { topics: ['call-allocation.caller.v1'], table: { schema: 'call_allocation', name: 'callers' } },
  { topics: ['call-allocation.task.v1'], table: { schema: 'call_allocation', name: 'call_tasks' } },
  // Keyed by the provider's call id, its row by a derived one.
  { topics: ['call-allocation.call.v1'], table: null },
  { topics: ['platform.tick.v1'], table: null, holes: 'a version is a period; I13 looks for those passed over' },
  { topics: ['call-allocation.offer.v1'], table: null, holes: 'a clock counts its offers to all callers together' },
];

/** Topics whose events nobody numbers. */
export const unnumbered: Readonly<Partial<Record<TopicName, string>>> = {
  'ingest.lead.v1': 'open to writers that are not ours; I1 asks for an outcome of each',
  'ingest.call.v1': 'open to writers that are not ours',
  'ingest.reply.v1': 'open to writers that are not ours',
  'call-allocation.recall.v1': 'written by timers, each of which stands for itself',
  'scoring.rule.v1': 'keyed by the rule, numbered by the set that it belongs to',
  'discovery.run.v1': 'nobody writes it yet',
  'platform.job.v1': 'an upload numbers its two by itself; runs, which count, write none yet',
  'platform.job-command.v1': 'numbered by jobs, and by the clock that asks for many',
};

export const keyOrder: Invariant = {
  name: 'I3',
  sentence: 'Per key, events are published in the order in which they were committed, without gaps.',
  atRest: true,
  async check(world) {
    const results = await Promise.all(aggregates.map((aggregate) => checkAggregate(world, aggregate)));
    return finding(
      results.reduce((sum, r) => sum + r.looked, 0),
      results.flatMap((r) => r.violations),
    );
  },
};

type Versioned = { readonly topic: string; readonly version: number };

async function checkAggregate(
  world: World,
  { topics, table, holes }: Aggregate,
): Promise<{ looked: number; violations: Violation[] }> {
  const events = (await Promise.all(topics.map((topic) => world.events(topic)))).flat();
  const byKey = Map.groupBy(
    events.filter((event) => event.version !== null),
    (event) => `${headerText(event.record.headers, headerNames.orgId) ?? ''}/${event.key}`,
  );
  const cut = await hasLostItsBeginning(world, topics);
  const published = table === null ? new Map<string, number>() : await readPublished(world, table);
  const violations: Violation[] = [];
  for (const [orgAndKey, all] of byKey) {
    const id = `${topics.join(' + ')} ${orgAndKey.split('/')[1] ?? ''}`;
    const versions = all.map(versioned);
    const backwards = topics.some((topic) => !ascends(versions.filter((v) => v.topic === topic)));
    if (backwards) violations.push({ id, what: `out of order: ${versions.map((v) => v.version).join(', ')}` });
    const numbers = [...new Set(versions.map((v) => v.version))].toSorted((a, b) => a - b);
    const first = cut ? (numbers[0] ?? 1) : 1;
    // A row that is gone (erased) has counted nothing.
    const last = Math.max(published.get(orgAndKey) ?? 0, numbers.at(-1) ?? 0);
    const missing = holes === undefined ? range(first, last).filter((n) => !numbers.includes(n)) : [];
    if (missing.length > 0) violations.push({ id, what: `without version ${missing.join(', ')}` });
  }
  for (const [orgAndKey, count] of published)
    if (count > 0 && !byKey.has(orgAndKey) && !cut)
      violations.push({
        id: `${topics.join(' + ')} ${orgAndKey.split('/')[1] ?? ''}`,
        what: `none of ${count} events`,
      });
  return { looked: events.length, violations };
}

const versioned = (event: Seen): Versioned => ({ topic: event.record.topic, version: event.version ?? 0 });

const ascends = (all: readonly Versioned[]): boolean =>
  all.every((one, i) => i === 0 || one.version > (all[i - 1]?.version ?? 0));

const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);

async function hasLostItsBeginning(world: World, topics: readonly string[]): Promise<boolean> {
  const ends = await Promise.all(topics.map((topic) => world.ends(topic)));
  return ends.flatMap((one) => Object.values(one)).some(({ low }) => low > 0);
}

const row = z.object({ key: z.string(), org_id: z.string(), published: z.int() });

async function readPublished(world: World, table: { schema: Schema; name: string }): Promise<Map<string, number>> {
  const rows = await world
    .database(table.schema)
    .any(sql.type(row)`select key, org_id, published from ${sql.identifier([table.name])}`);
  return new Map(rows.map((r) => [`${r.org_id}/${r.key}`, r.published]));
}
