/**
 * The stage as a function of what has happened (decision C-03), so that the order in which topics bring it does not
 * matter. Facts are only ever added, and each adds to the right:
 *
 *   NEW ─▶ ENRICHING ─┬▶ ENRICHED ─▶ OUTREACH_PENDING ─┬▶ CONTACTED ─▶ REPLIED ─▶ CONVERTED
 *                     └▶ ENRICH_FAILED ────────────────┘        DISQUALIFIED from anywhere before CONVERTED
 *
 * A score whose enrichment is not heard of yet does not move the lead: the stage would have to go back when it failed.
 */
import type { LeadStage } from '@lead-flood/contracts';
import type { Ending, LeadDocument } from './document.ts';

export type StageFacts = Pick<
  LeadDocument,
  'ending' | 'replied' | 'outreach' | 'calls' | 'enrichment' | 'qualified' | 'source'
>;

export function stageOf(facts: StageFacts): LeadStage {
  if (facts.ending !== null) return facts.ending.stage;
  if (facts.replied) return 'REPLIED';
  if (facts.outreach.sent > 0 || facts.calls.last !== null) return 'CONTACTED';
  if (facts.enrichment?.status === 'COMPLETED') return facts.qualified ? 'OUTREACH_PENDING' : 'ENRICHED';
  if (facts.enrichment?.status === 'FAILED') return 'ENRICH_FAILED';
  // Enrichment takes up every discovered lead at once and says nothing before it is done.
  return facts.source === null ? 'NEW' : 'ENRICHING';
}

/** Both endings are final, so the earlier one stands. */
export function endWith(present: Ending | null, next: Ending): Ending {
  if (present === null || next.at < present.at) return next;
  return next.at === present.at && rank(next) < rank(present) ? next : present;
}

const rank = (ending: Ending): string => `${ending.stage}/${ending.reason ?? ''}`;
