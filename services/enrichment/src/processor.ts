/** Enrichment's one processor: a discovered lead in, providers asked, an enriched (or not enriched) lead out. */
import { only, topics } from '@lead-flood/contracts';
import { skip } from '@lead-flood/kernel';
import type { EffectProcessor } from '@lead-flood/processor';
import type { Enrichment } from './domain/enrichment.ts';
import { enrich, fail, initialState } from './domain/enrichment.ts';
import type { Answers } from './domain/finding.ts';
import { store } from './store.ts';
import type { Waterfall } from './waterfall.ts';

const reads = [only(topics['discovery.lead.v1'], ['LeadDiscovered'])] as const;
const writes = [topics['enrichment.lead.v1']] as const;

export type EnrichmentProcessor = EffectProcessor<Enrichment, typeof reads, typeof writes, Answers>;

const nothingAsked: Answers = { attempts: [], findings: [], observedAt: 0 };

export const createEnrichment = (
  waterfall: Waterfall,
  { inFlightMax, deadlineMs }: { inFlightMax: number; deadlineMs: number },
): EnrichmentProcessor => ({
  inFlightMax,
  group: 'enrichment',
  reads,
  writes,
  store,
  initial: () => initialState,
  perform: {
    LeadDiscovered: {
      deadlineMs,
      call: (state, { data }, step) =>
        state.status === 'PENDING' ? waterfall(data, step) : Promise.resolve(nothingAsked),
    },
  },
  decide: {
    LeadDiscovered: (state, { data }, ctx, answers) => enrich(state, data, answers ?? nothingAsked, ctx.now),
  },
  onExhausted: {
    LeadDiscovered: (state, { data }, ctx) =>
      state.status === 'PENDING' ? fail(data, nothingAsked, ctx.now, 'exhausted') : skip('already_enriched'),
  },
});
