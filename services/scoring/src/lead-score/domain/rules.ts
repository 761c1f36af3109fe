/**
 * Qualification rules against features: WEIGHTED rules share out the hundred points, a HARD_FILTER that fails sinks the
 * lead whatever else it has. Every rule leaves a sentence, so that a score can be explained.
 */
import type { QualificationRule, ScoreReason } from '@lead-flood/contracts';
import type { Features } from './features.ts';

export type Rule = Omit<QualificationRule, 'icpId'>;
export type RuleSet = { readonly version: number; readonly rules: readonly Rule[] };
export type Band = 'LOW' | 'MEDIUM' | 'HIGH';
export type Score = { readonly value: number; readonly band: Band; readonly reasons: readonly ScoreReason[] };

const HIGH_FROM = 70;
const MEDIUM_FROM = 40;
const REASON_CHARS_MAX = 200;

const weighted = (
  id: string,
  fieldKey: Rule['fieldKey'],
  operator: Rule['operator'],
  value: Rule['value'],
  weight: number,
  description: string,
): Rule => ({
  id: `default-${id}`,
  fieldKey,
  operator,
  value,
  weight,
  type: 'WEIGHTED',
  description,
});

/** For leads without an ICP, or whose ICP has no rules yet: reachable people at companies of some size. */
export const defaultRules: RuleSet = {
  version: 0,
  rules: [
    weighted('email', 'emailStatus', 'EQ', 'verified', 0.4, 'the e-mail address is verified'),
    weighted('confidence', 'emailConfidence', 'GTE', 0.9, 0.1, 'the contact data is near certain'),
    weighted('phone', 'hasPhone', 'EQ', true, 0.2, 'there is a phone number'),
    weighted('linkedin', 'hasLinkedin', 'EQ', true, 0.1, 'there is a LinkedIn profile'),
    weighted('size', 'companyEmployees', 'GTE', 50, 0.1, 'the company has 50 people or more'),
    weighted('title', 'personTitle', 'EXISTS', true, 0.1, 'the role is known'),
  ],
};

export function score(features: Features, { rules }: RuleSet): Score {
  const icpMisses = features.icpMatch === 'miss';
  const total = rules.reduce((sum, rule) => sum + (rule.type === 'WEIGHTED' ? rule.weight : 0), 0);
  const reasons = rules.map((rule) => reason(rule, features, total));
  if (icpMisses)
    reasons.unshift({ ruleId: 'icp', text: 'the ICP’s filters do not hold', passed: false, contribution: 0 });
  const sunk =
    icpMisses || rules.some((rule, i) => rule.type === 'HARD_FILTER' && reasons.at(i - rules.length)?.passed === false);
  const value = sunk ? 0 : Math.round(reasons.reduce((sum, { contribution }) => sum + contribution, 0));
  return { value, band: bandOf(value), reasons };
}

const bandOf = (value: number): Band => (value >= HIGH_FROM ? 'HIGH' : value >= MEDIUM_FROM ? 'MEDIUM' : 'LOW');

function reason(rule: Rule, features: Features, total: number): ScoreReason {
  const passed = holds(rule, features[rule.fieldKey]);
  const points = rule.type === 'WEIGHTED' && passed && total > 0 ? (100 * rule.weight) / total : 0;
  const test = `${rule.fieldKey} ${rule.operator} ${JSON.stringify(rule.value)}`;
  return {
    ruleId: rule.id,
    // A list of a hundred texts would make every scored lead as long.
    text: (rule.description === '' ? test : rule.description).slice(0, REASON_CHARS_MAX),
    passed,
    contribution: Math.round(points * 100) / 100,
  };
}

type Value = string | number | boolean | null;

/** An absent feature passes no test but "does not equal" and "does not exist". */
function holds({ operator, value }: Rule, actual: Value): boolean {
  if (operator === 'EXISTS') return (actual !== null) === (value !== false);
  if (operator === 'NEQ') return !same(actual, value);
  if (actual === null) return false;
  switch (operator) {
    case 'EQ':
      return same(actual, value);
    case 'IN':
      return Array.isArray(value) && value.some((one) => same(actual, one));
    case 'CONTAINS':
      return typeof actual === 'string' && typeof value === 'string' && actual.includes(value.toLowerCase());
    default:
      return typeof actual === 'number' && typeof value === 'number' && compares(operator, actual, value);
  }
}

const compares = (operator: 'GT' | 'GTE' | 'LT' | 'LTE', a: number, b: number): boolean =>
  operator === 'GT' ? a > b : operator === 'GTE' ? a >= b : operator === 'LT' ? a < b : a <= b;

const same = (actual: Value, value: Rule['value']): boolean =>
  typeof actual === 'string' && typeof value === 'string'
    ? actual.toLowerCase() === value.toLowerCase()
    : actual === value;
