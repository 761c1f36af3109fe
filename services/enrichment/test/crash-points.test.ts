/** Enrichment, broken at every place that a run passes, with two providers in this process that keep their own log. */
import { effectProcessor } from '@lead-flood/processor';
import type { CrashEnd, OutsideWorld } from '@lead-flood/testing';
import { callOutside, crashPoints } from '@lead-flood/testing';
import { createEnrichment } from '../src/processor.ts';
import type { EnrichmentAdapter, Finding } from '../src/providers/adapter.ts';
import { miss } from '../src/providers/adapter.ts';
import { createWaterfall } from '../src/waterfall.ts';
import { at, ignore, inputs } from './inputs.ts';

const IN_FLIGHT = 4;
const REDELIVER_MS = [1, 1, 1, 1, 1];

const hit: Finding = {
  status: 'hit',
  email: 'found@aurora.se.example',
  emailStatus: 'verified',
  emailConfidence: 0.95,
  phone: null,
  linkedinUrl: null,
  title: null,
  fullName: null,
  company: { name: null, domain: null, countryIso: null, employees: null, industry: null },
  confidence: 0.95,
  personalEmail: false,
  costMicros: 1,
  latencyMs: 1,
};

const adapter = (world: OutsideWorld, name: 'apollo' | 'hunter', answer: Finding): EnrichmentAdapter => ({
  name,
  canAnswer: () => true,
  find: (_question, { idempotencyKey }) => callOutside(world, `${name} ${idempotencyKey}`, () => answer),
});

/** The first of the two knows nobody, so every lead costs two calls. */
function create() {
  const world: OutsideWorld = { calls: [], repeatable: true };
  const waterfall = createWaterfall({
    adapters: [adapter(world, 'apollo', miss(1)), adapter(world, 'hunter', hit)],
    policy: 'sequential',
    budgetMicros: 1_000_000,
    facts: (name) => ({ name, priceMicros: name === 'apollo' ? 1 : 2, asked: 0, hits: 0 }),
    now: () => 1_800_000_000_000,
  });
  const processor = createEnrichment(waterfall, { inFlightMax: IN_FLIGHT, deadlineMs: 2_000 });
  return { starter: effectProcessor(processor, REDELIVER_MS), world };
}

type Published = { readonly key: string };

/** A provider that failed is an attempt without an answer: the lead goes on with what it has. That is one lead, no more. */
function withoutTheLead(end: CrashEnd, other: CrashEnd): CrashEnd {
  const told = (one: CrashEnd): string[] => one.published.map((event) => JSON.stringify(event));
  const [here, there] = [new Set(told(end)), new Set(told(other))];
  const differing = [...here.symmetricDifference(there)].map((event) => (JSON.parse(event) as Published).key);
  const leads = new Set(differing);
  if (leads.size > 1) return end;
  return {
    ...end,
    tables: Object.fromEntries(
      Object.entries(end.tables).map(([table, rows]) => [
        table,
        table === 'provider_statistics' ? [] : rows.filter((row) => !leads.has(String(row['lead_id'] ?? row['key']))),
      ]),
    ),
    published: end.published.filter((event) => !leads.has((event as Published).key)),
  };
}

crashPoints('enrichment', {
  ...at,
  create,
  inputs,
  ignore,
  forgive: (end, { fault, other }) =>
    fault.point.startsWith('provider.') && fault.mode !== 'crash' ? withoutTheLead(end, other) : end,
});
