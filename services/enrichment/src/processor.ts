/** Enrichment's one processor: a discovered lead in, providers asked, an enriched (or not enriched) lead out. */
import { topics } from '@lead-flood/contracts';
import { skip } from '@lead-flood/kernel';
import { ignore } from '@lead-flood/processor';
import type { EffectProcessor } from '@lead-flood/processor';
import type { Enrichment } from './domain/enrichment.ts';
import { enrich, fail, initialState } from './domain/enrichment.ts';
import type { Answers } from './domain/finding.ts';
import { store } from './store.ts';
import type { Waterfall } from './waterfall.ts';

const reads = [topics['discovery.lead.v1']] as const;
const writes = [topics['enrichment.lead.v1']] as const;

export type EnrichmentProcessor = EffectProcessor<Enrichment, typeof reads, typeof writes, Answers>;

const nothingAsked: Answers = { attempts: [], findings: [], observedAt: 0 };

export const createEnrichment = (
  waterfall: Waterfall,
  limits: { inFlightMax: number; deadlineMs: number },
): EnrichmentProcessor => ({
  ...limits,
  group: 'enrichment',
  reads,
  writes,
  store,
  initial: () => initialState,
  perform: {
    LeadDiscovered: (state, { data }, step) =>
      state.status === 'PENDING' ? waterfall(data, step) : Promise.resolve(nothingAsked),
    LeadUpdated: null,
    LeadDuplicated: null,
    LeadRejected: null,
    LeadMerged: null,
    LeadErased: null,
  },
  decide: {
    LeadDiscovered: (state, { data }, ctx, answers) => enrich(state, data, answers ?? nothingAsked, ctx.now),
    LeadUpdated: ignore('known_lead'),
    LeadDuplicated: ignore('known_lead'),
    LeadRejected: ignore('no_lead'),
    LeadMerged: ignore('known_lead'),
    LeadErased: ignore('no_lead'),
  },
  onExhausted: {
    LeadDiscovered: (state, { data }, ctx) =>
      state.status === 'PENDING' ? fail(data, nothingAsked, ctx.now, 'exhausted') : skip('already_enriched'),
  },
});
