/** Scoring's one processor: an enriched lead in, a scored lead out. */
import { topics } from '@lead-flood/contracts';
import { derivedId } from '@lead-flood/kernel';
import type { BatchProcessor } from '@lead-flood/processor';
import type { Features } from './domain/features.ts';
import { discoveredFeatures, enrichedFeatures } from './domain/features.ts';
import type { LeadScore } from './domain/lead-score.ts';
import { initialState, scoreLead } from './domain/lead-score.ts';
import type { RuleSet } from './domain/rules.ts';
import { readRuleSets, store } from './store.ts';

const reads = [topics['enrichment.lead.v1']] as const;
const writes = [topics['scoring.lead.v1']] as const;

/** Keys in a fixed order: the same facts must give the same text. */
const hash = (features: Features): string =>
  derivedId(JSON.stringify(Object.entries(features).toSorted(([a], [b]) => (a < b ? -1 : 1))));

export const scoring: BatchProcessor<LeadScore, typeof reads, typeof writes, RuleSet> = {
  group: 'scoring',
  reads,
  writes,
  store,
  initial: () => initialState,
  async facts(tx, inputs) {
    const sets = await readRuleSets(
      tx,
      inputs.flatMap(({ data }) => (data.icpId === null ? [] : [data.icpId])),
    );
    return inputs.map(({ orgId, data }) => sets.of(orgId, data.icpId));
  },
  decide: {
    LeadEnriched: (state, { data, version }, ctx) =>
      scoreLead(state, data, enrichedFeatures(data), version ?? 0, { now: ctx.now, hash, rules: ctx.facts }),
    LeadEnrichmentFailed: (state, { data, version }, ctx) =>
      scoreLead(state, data, discoveredFeatures(data), version ?? 0, { now: ctx.now, hash, rules: ctx.facts }),
  },
};
