/** I1. What was acknowledged is an event in a topic or a line of the generator's journal; where it ended, the topics say. */
import { z } from 'zod';
import { sql, texts } from '@lead-flood/postgres';
import { decodeRecord, isPassed, isRefused, learnSchemas } from '@lead-flood/processor';
import { naturalKeyOf } from '../../services/discovery/src/lead/processor.ts';
import type { Invariant, Violation } from './invariant.ts';
import { finding } from './invariant.ts';
import type { Letters } from './unreadable.ts';
import { placeOf, readLetters, unreadable } from './unreadable.ts';
import type { World } from './world.ts';

export const endStates: Invariant = {
  name: 'I1',
  sentence: 'Every acknowledged lead is in exactly one end state, or in a dead letter that names it.',
  atRest: true,
  async check(world) {
    await world.wholeTopics('ingest.lead.v1', 'discovery.lead.v1', 'outreach.message.v1', 'call-allocation.task.v1');
    const letters = await readLetters(world);
    const submissions = await submissionsWithoutOutcome(world, letters);
    const events = await world.events('discovery.lead.v1');
    const leads = new Set(events.flatMap((e) => (e.name === 'LeadDiscovered' ? [e.data.leadId] : [])));
    const rows = await world
      .database('discovery')
      .anyFirst(sql.type(z.object({ key: z.string() }))`select key from leads`);
    for (const key of rows) leads.add(key);
    // Whose conversation or task ended because the lead is another one, or is no more.
    const left = new Set(
      events.flatMap((e) =>
        e.name === 'LeadMerged' ? [e.data.mergedLeadId] : e.name === 'LeadErased' ? [e.data.leadId] : [],
      ),
    );
    const ends = await readEnds(world);
    const unread = await unreadable(world, letters);
    const violations: Violation[] = [...submissions.violations, ...unread.violations];
    for (const id of leads) {
      const states = ends.get(id) ?? [];
      if (states.length > 1 && !left.has(id))
        violations.push({ id, what: `ended ${states.length} times: ${states.join(', ')}` });
      if (states.length === 0 && !left.has(id) && !letters.keys.has(id))
        violations.push({ id, what: 'has no end state' });
    }
    violations.push(...journalled(world, leads, events, submissions), ...(await unknownPeople(world, leads)));
    return finding(leads.size + submissions.looked + unread.looked, violations, [
      world.acked === undefined ? 'no journal of a generator: what doors acknowledged is taken from the topics' : null,
    ]);
  },
};

/** First touches end a lead; later steps of its sequence and replies by hand follow from that. */
async function readEnds(world: World): Promise<Map<string, string[]>> {
  const ends = new Map<string, string[]>();
  const end = (leadId: string, state: string): void => {
    ends.set(leadId, [...(ends.get(leadId) ?? []), state]);
  };
  for (const event of await world.events('outreach.message.v1')) {
    if (event.name === 'LeadNotContacted') end(event.data.leadId, event.name);
    if ((event.name === 'MessageSent' || event.name === 'MessageFailed') && event.data.stepNumber === 1)
      end(event.data.leadId, event.name);
  }
  for (const event of await world.events('call-allocation.task.v1'))
    if (event.name === 'CallTaskCreated' || event.name === 'CallTaskDeclined') end(event.data.leadId, event.name);
  return ends;
}

const outcome = z.object({ org_id: z.string(), natural_key: z.string(), lead_id: z.string().nullable() });

type Submissions = {
  readonly looked: number;
  readonly violations: readonly Violation[];
  /** Natural keys that the topic has. */
  readonly inTopic: ReadonlySet<string>;
  /** Natural key -> the lead that discovery made or found for it; null where it was refused. */
  readonly answered: ReadonlyMap<string, string | null>;
};

/** Every record of the public topic has an outcome in discovery's table, or is a dead letter. */
async function submissionsWithoutOutcome(world: World, letters: Letters): Promise<Submissions> {
  const rows = await world
    .database('discovery')
    .any(sql.type(outcome)`select org_id, natural_key, lead_id from lead_discovery_records`);
  const outcomes = new Set(rows.map((row) => `${row.org_id}/${row.natural_key}`));
  const inTopic = new Set<string>();
  const records = await world.records('ingest.lead.v1');
  await learnSchemas(world.codec, records);
  const decoding = {
    group: 'discovery',
    codec: world.codec,
    reads: new Set(['LeadSubmitted']),
    passedOver: new Set<string>(),
    topicPrefix: '',
  };
  const violations = records.flatMap((record): Violation[] => {
    if (letters.places.has(placeOf(record))) return [];
    const input = decodeRecord(decoding, record);
    if (isPassed(input) || isRefused(input)) return [];
    const { orgId, ...of } = input.event.data as { orgId: string; source: string; externalId: string | null };
    const key = naturalKeyOf(input.event.id, of);
    inTopic.add(key);
    return outcomes.has(`${orgId}/${key}`) ? [] : [{ id: key, what: 'was submitted and has no outcome' }];
  });
  const answered = new Map(rows.map((row) => [row.natural_key, row.lead_id]));
  return { looked: records.length, violations, inTopic, answered };
}

const claimed = z.object({ key: z.string(), lead_id: z.string() });

/** Whom a door called known must be a lead, under whatever natural key. */
async function unknownPeople(world: World, leads: ReadonlySet<string>): Promise<Violation[]> {
  const known = world.acked?.known ?? [];
  if (known.length === 0) return [];
  const claims = await world.database('discovery').any(sql.type(claimed)`
    select kind || ':' || value as key, lead_id from identity_keys
    where kind || ':' || value = any(${texts(known.flatMap(({ keys }) => keys))}::text[])
  `);
  const leadOf = new Map(claims.map(({ key, lead_id: lead }) => [key, lead]));
  return known
    .filter(({ keys }) => !keys.some((key) => leads.has(leadOf.get(key) ?? '')))
    .map(({ id }) => ({ id, what: 'was called known and is no lead' }));
}

/** What the generator was told to be accepted, against what is there. */
function journalled(
  world: World,
  leads: ReadonlySet<string>,
  events: Awaited<ReturnType<World['events']>>,
  { inTopic, answered }: Submissions,
): Violation[] {
  if (world.acked === undefined) return [];
  const withoutLead = (key: string): Violation[] => {
    const lead = answered.get(key) ?? null;
    return lead !== null && leads.has(lead)
      ? []
      : [{ id: key, what: 'was acknowledged and discovery has no lead of it' }];
  };
  const byJob = new Map<string, number>();
  for (const event of events) {
    if (event.name !== 'LeadDiscovered' || event.data.jobId === null) continue;
    byJob.set(event.data.jobId, (byJob.get(event.data.jobId) ?? 0) + 1);
  }
  return [
    ...world.acked.published.flatMap((key) =>
      inTopic.has(key) ? withoutLead(key) : [{ id: key, what: 'was stored by the broker and is not in the topic' }],
    ),
    ...world.acked.leads.filter((id) => !leads.has(id)).map((id) => ({ id, what: 'was acknowledged and is no lead' })),
    ...Object.entries(world.acked.files).flatMap(([id, accepted]) =>
      byJob.get(id) === accepted
        ? []
        : [{ id, what: `${accepted} rows were accepted, ${byJob.get(id) ?? 0} are leads` }],
    ),
  ];
}
