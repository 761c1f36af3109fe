/** What becomes of an enriched lead: a snapshot of its features, a score, and the event that says both. */
import type { LeadEnriched, LeadEnrichmentFailed, LeadScored } from '@lead-flood/contracts';
import type { Decision } from '@lead-flood/kernel';
import { apply, skip } from '@lead-flood/kernel';
import type { Features, Snapshot } from './features.ts';
import { takeSnapshot } from './features.ts';
import type { Band, RuleSet } from './rules.ts';
import { score } from './rules.ts';

export type LeadScore = {
  readonly snapshot: Snapshot | null;
  readonly value: number | null;
  readonly band: Band | null;
  readonly rulesVersion: number | null;
};

export const initialState: LeadScore = { snapshot: null, value: null, band: null, rulesVersion: null };

export type Emitted = { readonly name: 'LeadScored'; readonly data: LeadScored };

export type ScoringContext = {
  readonly now: number;
  readonly hash: (features: Features) => string;
  readonly rules: RuleSet;
};

export function scoreLead(
  state: LeadScore,
  lead: LeadEnriched | LeadEnrichmentFailed,
  facts: Features,
  sourceVersion: number,
  ctx: ScoringContext,
): Decision<LeadScore, Emitted> {
  const snapshot = takeSnapshot(facts, { icpId: lead.icpId, sourceVersion, hash: ctx.hash(facts) });
  // The same facts under the same rules can only give the same score: saying it again would start outreach again.
  if (state.snapshot?.hash === snapshot.hash && state.rulesVersion === ctx.rules.version) return skip('unchanged');
  const { value, band, reasons } = score(facts, ctx.rules);
  const scored: LeadScored = {
    orgId: lead.orgId,
    leadId: lead.leadId,
    submittedAt: lead.submittedAt,
    scoredAt: ctx.now,
    person: lead.person,
    company: lead.company,
    emailStatus: facts.emailStatus,
    icpId: lead.icpId,
    projectId: lead.projectId,
    value,
    band,
    reasons,
    scorer: 'rules',
    rulesVersion: ctx.rules.version,
    snapshotHash: snapshot.hash,
    snapshotVersion: snapshot.snapshotVersion,
  };
  return apply({ snapshot, value, band, rulesVersion: ctx.rules.version }, [{ name: 'LeadScored', data: scored }]);
}
