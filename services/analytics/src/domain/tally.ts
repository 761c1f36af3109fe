/**
 * What one lead adds to the funnel, as counts under flat names, and the funnel that such counts add up to. Leads that
 * went the same way have the same text, so a million of them are a few hundred groups for the database.
 */
import type { Attempt, Counts, LeadDocument } from './document.ts';

/** Between the parts of a name; reasons and providers are words of ours and have none. */
const SEPARATOR = '|';
const VERIFIED_FROM = 0.7;

export type Tally = Record<string, number>;

/** In a fixed order and without zeros: the same way gives the same text. */
export function tallyOf(lead: LeadDocument): Tally {
  const tally: Tally = {};
  const add = (name: string, count: number): void => {
    if (count !== 0) tally[name] = (tally[name] ?? 0) + count;
  };
  const addAll = (prefix: string, counts: Counts): void => {
    for (const name of Object.keys(counts).toSorted()) add(prefix + SEPARATOR + name, counts[name] ?? 0);
  };
  const { enrichment, score, outreach, calls } = lead;
  for (const step of stepsOf(lead)) add(`step${SEPARATOR}${step}`, 1);
  addAll('submission', lead.outcomes);
  if (enrichment !== null) {
    add(enrichment.status === 'COMPLETED' ? 'enriched' : 'failed', 1);
    add('cost', enrichment.costMicros);
    for (const attempt of enrichment.attempts) addAttempt(add, attempt);
  }
  if (score !== null) add(`band${SEPARATOR}${score.band}`, 1);
  add('sent', outreach.sent);
  add('unsent', outreach.failed);
  add('withheld', outreach.withheld ?? 0);
  add('contacted', outreach.sent > 0 ? 1 : 0);
  add('replies', outreach.replies);
  if (outreach.notContacted !== null) add(`silent${SEPARATOR}${outreach.notContacted}`, 1);
  add('tasks', calls.tasks);
  addAll('declined', calls.declines);
  addAll('called', calls.outcomes);
  return tally;
}

/** In the order in which leads take them. */
export const steps = ['discovered', 'enriched', 'scored', 'approached', 'answered'] as const;
export type Step = (typeof steps)[number];

/**
 * The steps that a lead has taken: all up to the furthest one that was heard of. Topics are read side by side, so a score
 * may be seen before the enrichment that it follows from; counted one by one, more leads would be scored than enriched.
 * `enriched` is an ended enrichment, whether or not it has found something.
 */
function stepsOf({ outcomes, enrichment, score, outreach, calls, replied }: LeadDocument): readonly Step[] {
  const reached: Readonly<Record<Step, boolean>> = {
    discovered: (outcomes['discovered'] ?? 0) > 0,
    enriched: enrichment !== null,
    scored: score !== null,
    approached: outreach.sent > 0 || calls.tasks > 0,
    answered: replied || Object.keys(calls.outcomes).length > 0,
  };
  return steps.slice(0, steps.findLastIndex((step) => reached[step]) + 1);
}

/** Skipped and unconfigured providers were not asked. */
function addAttempt(add: (name: string, count: number) => void, [provider, status, confidence, , cost]: Attempt): void {
  if (status === 'skipped' || status === 'not-configured') return;
  add(`asked${SEPARATOR}${provider}`, 1);
  add(`hit${SEPARATOR}${provider}`, status === 'hit' ? 1 : 0);
  add(`verified${SEPARATOR}${provider}`, status === 'hit' && (confidence ?? 0) >= VERIFIED_FROM ? 1 : 0);
  add(`spent${SEPARATOR}${provider}`, cost);
}

export type TallyGroup = { readonly tally: Tally; readonly leads: number };

export function addUp(groups: readonly TallyGroup[]): Tally {
  const total: Tally = {};
  for (const { tally, leads } of groups) {
    for (const [name, count] of Object.entries(tally)) total[name] = (total[name] ?? 0) + count * leads;
  }
  return total;
}

/** Everything counted under one prefix, by the rest of the name. */
export const under = (total: Tally, prefix: string): Record<string, number> =>
  Object.fromEntries(
    Object.entries(total).flatMap(([name, count]) =>
      name.startsWith(prefix + SEPARATOR) ? [[name.slice(prefix.length + SEPARATOR.length), count]] : [],
    ),
  );
