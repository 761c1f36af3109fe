/**
 * The manual's invented processor, in two forms. `tally` counts how often a lead was enriched and publishes the count as
 * its score. `createAppraiser` does the same, but first asks the outside world what the lead is worth. What an example
 * event makes happen is written in the event itself, so each chapter reads without looking anything up here:
 *
 *   confidence 0            skip        there is nothing to count
 *   emailStatus 'invalid'   reject      this message can never be counted
 *   industry 'Bugs'         throws      a handler with a bug
 *   name 'Unstorable AB'    apply       but Postgres refuses the row (see migrations/)
 *   name 'Later AB'         apply       and a reminder, one hour later
 */
import { join } from 'node:path';
import { z } from 'zod';
import { topics } from '@lead-flood/contracts';
import type { LeadEnriched, LeadEnrichmentFailed, LeadScored } from '@lead-flood/contracts';
import { headerText } from '@lead-flood/kafka';
import type { RawRecord } from '@lead-flood/kafka';
import { apply, reject, skip, systemClock } from '@lead-flood/kernel';
import type { Decision, Event } from '@lead-flood/kernel';
import { createDocumentStore, sql } from '@lead-flood/postgres';
import type { Database } from '@lead-flood/postgres';
import { emit, silentTelemetry } from '@lead-flood/processor';
import type { BatchProcessor, EffectProcessor, Running, ShellDeps, Starter, Step } from '@lead-flood/processor';
import type { Line, TestEvent } from '@lead-flood/testing';
import { sampleCompany, sampleEnriched, sampleId, samplePerson, sampleScored, testNow } from '@lead-flood/testing';

export type Tally = {
  readonly count: number;
  readonly employer: string | null;
  /** Message ids of failures: their writer counts no versions here, so the state itself remembers what it has seen. */
  readonly failures: readonly string[];
};

const state = z.object({ count: z.int(), employer: z.string().nullable(), failures: z.array(z.string()) });

export const tallies = createDocumentStore<Tally>({
  table: 'tallies',
  state,
  columns: [{ name: 'employer', type: 'text', of: (tally) => tally.employer }],
});

export const at = { schema: 'manual', migrations: join(import.meta.dirname, 'migrations') };
const reads = [topics['enrichment.lead.v1']] as const;
const writes = [topics['scoring.lead.v1']] as const;
export const HOUR_MS = 3_600_000;

/** Commands that come by REST; chapter 09. */
export type TallyCommands = {
  readonly AddToTally: { readonly orgId: string; readonly leadId: string; readonly by: number };
};

type Scored = { readonly name: 'LeadScored'; readonly data: LeadScored };

const scored = (data: Pick<LeadEnriched, 'orgId' | 'leadId'>, value: number, now: number): Scored =>
  emit('LeadScored', sampleScored({ orgId: data.orgId, leadId: data.leadId, value, scoredAt: now }));

export const initial = (): Tally => ({ count: 0, employer: null, failures: [] });

const countEnriched = (
  tally: Tally,
  { data }: Event<'LeadEnriched', LeadEnriched>,
  now: number,
): Decision<Tally, Scored> => {
  if (data.company.industry === 'Bugs') throw new TypeError('cannot read properties of undefined');
  if (data.emailStatus === 'invalid') return reject('EXA_ERR_INVALID_EMAIL', 'nobody can be reached there');
  if (data.confidence === 0) return skip('nothing_known');
  const next = { ...tally, count: tally.count + 1, employer: data.company.name };
  const reminder = { dueAt: now + HOUR_MS, event: scored(data, 100, now) };
  return apply(next, [scored(data, next.count, now)], data.company.name === 'Later AB' ? [reminder] : []);
};

const countFailure = (
  tally: Tally,
  { id }: Event<'LeadEnrichmentFailed', LeadEnrichmentFailed>,
): Decision<Tally, Scored> =>
  tally.failures.includes(id) ? skip('seen_before') : apply({ ...tally, failures: [...tally.failures, id] });

export const tally: BatchProcessor<Tally, typeof reads, typeof writes, undefined, TallyCommands> = {
  group: 'tally',
  reads,
  writes,
  store: tallies,
  initial,
  decide: {
    LeadEnriched: (current, event, ctx) => countEnriched(current, event, ctx.now),
    LeadEnrichmentFailed: countFailure,
    AddToTally: (current, { data }, ctx) => {
      if (data.by < 0) return reject('EXA_ERR_NEGATIVE', 'a tally only grows');
      const next = {
        ...current,
        count: current.count + data.by,
        employer: data.by === 13 ? 'Unstorable AB' : current.employer,
      };
      return apply(next, [scored(data, next.count, ctx.now)]);
    },
  },
};

/** The outside world, from chapter 06 on: what it was asked, in order, and what the next answers are. */
type World = {
  readonly asked: string[];
  inFlight: number;
  inFlightMost: number;
  answer: (leadId: string, times: number) => Promise<number>;
};

export const createWorld = (answer: World['answer'] = () => Promise.resolve(7)): World => ({
  asked: [],
  inFlight: 0,
  inFlightMost: 0,
  answer,
});

async function ask(world: World, leadId: string): Promise<number> {
  world.asked.push(leadId);
  world.inFlight += 1;
  world.inFlightMost = Math.max(world.inFlightMost, world.inFlight);
  try {
    return await world.answer(leadId, world.asked.filter((asked) => asked === leadId).length);
  } finally {
    world.inFlight -= 1;
  }
}

type Appraiser = EffectProcessor<Tally, typeof reads, typeof writes, number>;

export const createAppraiser = (
  world: World,
  { inFlightMax, deadlineMs } = { inFlightMax: 4, deadlineMs: 5_000 },
): Appraiser => ({
  group: 'appraise',
  reads,
  writes,
  store: tallies,
  initial,
  perform: {
    LeadEnriched: { deadlineMs, call: (_state, { data }, step: Step) => step('worth', () => ask(world, data.leadId)) },
    LeadEnrichmentFailed: null,
  },
  decide: {
    LeadEnriched: (current, { data }, ctx, worth) =>
      apply({ ...current, count: current.count + 1, employer: data.company.name }, [scored(data, worth ?? 0, ctx.now)]),
    LeadEnrichmentFailed: countFailure,
  },
  onExhausted: { LeadEnriched: (current, { data }, ctx) => apply(current, [scored(data, 0, ctx.now)]) },
  inFlightMax,
});

/** The n-th enrichment of a lead, as its writer would publish it: an id of its own and a growing version. */
export const enriched = (
  lead: string,
  version: number,
  overrides: Partial<LeadEnriched> = {},
): Extract<TestEvent, { name: 'LeadEnriched' }> => ({
  name: 'LeadEnriched',
  id: sampleId('enriched', lead, version),
  version,
  data: sampleEnriched({ leadId: sampleId(lead), ...overrides }),
});

export const enrichmentFailed = (lead: string, id: string): TestEvent => ({
  name: 'LeadEnrichmentFailed',
  id: sampleId(id),
  data: {
    orgId: sampleEnriched().orgId,
    leadId: sampleId(lead),
    submittedAt: testNow,
    failedAt: testNow,
    person: samplePerson(),
    company: sampleCompany(),
    reason: 'nothing_found',
    icpId: null,
    icpMatch: 'none',
    projectId: null,
    attempts: [],
    costMicros: 0,
  },
});

export const company = (name: string): Partial<LeadEnriched> => ({ company: sampleCompany({ name }) });

/** Lead -> count, as it stands in the table. */
export async function counts(database: Database): Promise<Record<string, number>> {
  const rows = await database.any(
    sql.type(z.object({ key: z.string(), state: z.string() }))`select key, state from tallies`,
  );
  return Object.fromEntries(rows.map((row) => [row.key, state.parse(JSON.parse(row.state)).count]));
}

export const countOf = async (database: Database, lead: string): Promise<number> =>
  (await counts(database))[sampleId(lead)] ?? 0;

export const rowsIn = (database: Database, table: string): Promise<number> =>
  database.oneFirst(sql.type(z.object({ n: z.int() }))`select count(*)::int as n from ${sql.identifier([table])}`);

/** Starts a processor on a line's broker and database without the line's own loop, to look at it more closely. */
export const startOn = (line: Line, starter: Starter, overrides: Partial<ShellDeps> = {}): Promise<Running> =>
  starter.start({
    client: line.client,
    codec: line.codec,
    database: line.database,
    clock: systemClock,
    telemetry: silentTelemetry,
    topicPrefix: line.prefix,
    wakeRelay: () => undefined,
    onFatal: () => undefined,
    ...overrides,
  });

export const header = (record: RawRecord | undefined, name: string): string | null =>
  record === undefined ? null : headerText(record.headers, name);
