/**
 * The rules of one ICP. Whether there is such an ICP, discovery says (discovery.icp.v1); what is said here of one that
 * it has not told of is refused. Every change raises the version, which scores carry.
 */
import type { QualificationRule, RuleAdded, RuleRemoved, RuleReplaced } from '@lead-flood/contracts';
import type { Decision, Reject } from '@lead-flood/kernel';
import { apply, reject, skip } from '@lead-flood/kernel';

export type Rule = Omit<QualificationRule, 'icpId'>;

export type RuleSet = {
  readonly icp: 'unknown' | 'known' | 'deleted';
  readonly version: number;
  /** In the order in which they were added. */
  readonly rules: readonly Rule[];
};

export const initialState: RuleSet = { icp: 'unknown', version: 0, rules: [] };

/** A score says what every rule gave, so their number bounds the size of each scored lead. */
export const RULES_MAX = 200;

type AtIcp = { readonly orgId: string; readonly icpId: string };
export type AddRule = AtIcp & { readonly rule: Rule };
export type ReplaceRule = AtIcp & { readonly rule: Rule };
export type RemoveRule = AtIcp & { readonly ruleId: string };

export type Emitted =
  | { readonly name: 'RuleAdded'; readonly data: RuleAdded }
  | { readonly name: 'RuleReplaced'; readonly data: RuleReplaced }
  | { readonly name: 'RuleRemoved'; readonly data: RuleRemoved };

export function hearOfIcp(state: RuleSet): Decision<RuleSet, Emitted> {
  return state.icp === 'unknown' ? apply<RuleSet, Emitted>({ ...state, icp: 'known' }) : skip('known');
}

/** Its rules end with it, and each is told. */
export function forgetIcp(state: RuleSet, { orgId, icpId }: AtIcp, now: number): Decision<RuleSet, Emitted> {
  if (state.icp === 'deleted') return skip('known');
  const version = state.version + 1;
  return apply<RuleSet, Emitted>(
    { icp: 'deleted', version, rules: [] },
    state.rules.map(({ id: ruleId }) => ({
      name: 'RuleRemoved',
      data: { orgId, icpId, ruleId, version, changedAt: now },
    })),
  );
}

export function add(state: RuleSet, { orgId, icpId, rule }: AddRule, now: number): Decision<RuleSet, Emitted> {
  if (state.icp !== 'known') return unknownIcp(icpId);
  // The same request again, by its idempotency key.
  if (state.rules.some(({ id }) => id === rule.id)) return skip('known');
  if (state.rules.length >= RULES_MAX) return reject('SCR_ERR_TOO_MANY_RULES', `an ICP has at most ${RULES_MAX} rules`);
  const version = state.version + 1;
  return apply<RuleSet, Emitted>({ ...state, version, rules: [...state.rules, rule] }, [
    { name: 'RuleAdded', data: { orgId, icpId, ruleId: rule.id, version, rule: toTold(rule), changedAt: now } },
  ]);
}

export function replace(state: RuleSet, { orgId, icpId, rule }: ReplaceRule, now: number): Decision<RuleSet, Emitted> {
  const before = state.rules.find(({ id }) => id === rule.id);
  if (before === undefined) return unknownRule(rule.id);
  // A client that has not heard the answer asks again.
  if (isSame(before, rule)) return skip('unchanged');
  const version = state.version + 1;
  const rules = state.rules.map((one) => (one.id === rule.id ? rule : one));
  return apply<RuleSet, Emitted>({ ...state, version, rules }, [
    { name: 'RuleReplaced', data: { orgId, icpId, ruleId: rule.id, version, rule: toTold(rule), changedAt: now } },
  ]);
}

export function remove(state: RuleSet, { orgId, icpId, ruleId }: RemoveRule, now: number): Decision<RuleSet, Emitted> {
  if (!state.rules.some(({ id }) => id === ruleId)) return unknownRule(ruleId);
  const version = state.version + 1;
  return apply<RuleSet, Emitted>({ ...state, version, rules: state.rules.filter(({ id }) => id !== ruleId) }, [
    { name: 'RuleRemoved', data: { orgId, icpId, ruleId, version, changedAt: now } },
  ]);
}

const isSame = (a: Rule, b: Rule): boolean => JSON.stringify(listed(a)) === JSON.stringify(listed(b));

const listed = ({ fieldKey, operator, value, weight, type, description }: Rule): readonly unknown[] => [
  fieldKey,
  operator,
  value,
  weight,
  type,
  description,
];

const toTold = ({ id: _id, value, ...rule }: Rule): RuleAdded['rule'] => ({ ...rule, value: JSON.stringify(value) });

const unknownIcp = (icpId: string): Reject => reject('SCR_ERR_UNKNOWN_ICP', `there is no ICP ${icpId}`);

const unknownRule = (ruleId: string): Reject =>
  reject('SCR_ERR_UNKNOWN_RULE', `there is no rule ${ruleId} for this ICP`);
