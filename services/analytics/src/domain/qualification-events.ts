/** What enrichment and scoring tell: what was found, what it cost, how good the lead is. */
import type { LeadEnriched, LeadEnrichmentFailed, LeadScored, ProviderAttempt } from '@lead-flood/contracts';
import type { Attempt, LeadDocument } from './document.ts';
import { find } from './layer.ts';
import type { Told } from './projection.ts';

const ATTEMPTS_MAX = 20;

const toAttempt = (a: ProviderAttempt): Attempt => [a.provider, a.status, a.confidence, a.latencyMs, a.costMicros];

/** Every round counts: what was asked before has been paid. */
const rounds = (state: LeadDocument, lead: LeadEnriched | LeadEnrichmentFailed) => ({
  attempts: [...(state.enrichment?.attempts ?? []), ...lead.attempts.map(toAttempt)].slice(-ATTEMPTS_MAX),
  costMicros: (state.enrichment?.costMicros ?? 0) + lead.costMicros,
});

/** Every event carries the lead as far as it was known; discovery's own word on these wins. */
const about = (state: LeadDocument, lead: LeadEnriched | LeadEnrichmentFailed | LeadScored): Partial<LeadDocument> =>
  state.source === null ? { icpId: lead.icpId, projectId: lead.projectId } : {};

const findings = (
  state: LeadDocument,
  lead: LeadEnriched | LeadEnrichmentFailed | LeadScored,
): Partial<LeadDocument> => ({
  ...(state.erased ? {} : { person: find(state.person, lead.person) }),
  company: find(state.company, lead.company),
});

export function enriched(state: LeadDocument, data: LeadEnriched): Told {
  const { emailStatus, confidence, enrichedAt } = data;
  return {
    at: enrichedAt,
    note: `Enriched (${[...new Set(data.fields.map((field) => field.provider))].join(', ')}); e-mail ${emailStatus}.`,
    changes: {
      ...about(state, data),
      ...findings(state, data),
      enrichment: {
        ...rounds(state, data),
        status: 'COMPLETED',
        emailStatus,
        confidence,
        fields: data.fields.map((field) => [field.name, field.provider, field.confidence, field.observedAt] as const),
        reason: null,
        at: enrichedAt,
      },
    },
  };
}

/** A round that brings nothing takes nothing away from an earlier one that did. */
export function enrichmentFailed(state: LeadDocument, data: LeadEnrichmentFailed): Told {
  const { reason, failedAt } = data;
  const before = state.enrichment?.status === 'COMPLETED' ? state.enrichment : null;
  return {
    at: failedAt,
    note: `Not enriched: ${reason}.`,
    changes: {
      ...about(state, data),
      ...(before === null ? findings(state, data) : {}),
      enrichment:
        before === null
          ? {
              ...rounds(state, data),
              status: 'FAILED',
              emailStatus: 'unknown',
              confidence: 0,
              fields: [],
              reason,
              at: failedAt,
            }
          : { ...before, ...rounds(state, data) },
    },
  };
}

export function scored(state: LeadDocument, data: LeadScored): Told {
  const { value, band, scorer, rulesVersion, scoredAt } = data;
  return {
    at: scoredAt,
    note: `Scored ${value} (${band}).`,
    changes: {
      ...about(state, data),
      // A score repeats what enrichment said; only while that is not heard of it is news.
      ...(state.enrichment === null ? findings(state, data) : {}),
      qualified: state.qualified || band !== 'LOW',
      score: {
        value,
        band,
        scorer,
        rulesVersion,
        reasons: data.reasons.map((r) => [r.ruleId, r.text, r.passed ? 1 : 0, r.contribution] as const),
        at: scoredAt,
      },
    },
  };
}
