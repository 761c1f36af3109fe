/**
 * Whom to ask, in which order, and when to stop (EN-08..EN-11, decision C-07).
 *
 *   parallel    phase 1: up to five at once, the likeliest first; then the rest one after the other
 *   sequential  one after the other, the cheapest expected cost of a hit first
 *
 * Either stops at the first answer that is good enough, or when the budget of the lead is used up.
 */
import type { Attempt, Finding, Policy, ProviderFacts } from './finding.ts';

export const parallelMax = 5;
export const confidenceEnough = 0.7;

/** A provider that was hardly asked yet counts as average, so that new ones get their chance. */
const PRIOR = { asked: 20, hitShare: 0.5 };

const hitShare = ({ asked, hits }: ProviderFacts): number =>
  (hits + PRIOR.asked * PRIOR.hitShare) / (asked + PRIOR.asked);
const costPerHit = (facts: ProviderFacts): number => facts.priceMicros / hitShare(facts);

/** Groups of providers: those of a group are asked together, the groups one after the other. */
export function plan(policy: Policy, providers: readonly ProviderFacts[]): readonly (readonly string[])[] {
  if (policy === 'sequential') return providers.toSorted((a, b) => costPerHit(a) - costPerHit(b)).map((p) => [p.name]);
  const likeliest = providers.toSorted((a, b) => hitShare(b) - hitShare(a)).map((p) => p.name);
  const first = likeliest.slice(0, parallelMax);
  return first.length === 0 ? [] : [first, ...likeliest.slice(parallelMax).map((name) => [name])];
}

/** Good enough to stop: an address that somebody has verified, at 0.7 or more. */
export const isEnough = (finding: Finding): boolean =>
  finding.emailStatus === 'verified' && Math.min(finding.confidence, finding.emailConfidence) >= confidenceEnough;

export const spentMicros = (attempts: readonly Attempt[]): number =>
  attempts.reduce((sum, attempt) => sum + attempt.costMicros, 0);

/** The providers of the next group that the rest of the budget still pays for, whatever they answer. */
export function affordable(group: readonly string[], priceOf: (name: string) => number, restMicros: number): string[] {
  let rest = restMicros;
  return group.filter((name) => {
    const price = priceOf(name);
    if (price > rest) return false;
    rest -= price;
    return true;
  });
}
