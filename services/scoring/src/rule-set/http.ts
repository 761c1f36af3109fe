/** `/v1/icps/:icpId/rules`. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Handlers, QualificationRule, ruleRoutes } from '@lead-flood/contracts';
import { derivedId, invariant, randomId } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import type { Applier } from '@lead-flood/processor';
import type { RuleSet } from './domain.ts';
import { initialState } from './domain.ts';
import type { RuleCommands } from './processor.ts';
import { ruleSets } from './store.ts';

/** Whoever has just created an ICP may add rules at once, although its event is a moment on its way. */
const ICP_WAIT_MS = 3_000;
const ICP_LOOK_MS = 50;

export type RuleDeps = { readonly database: Database; readonly applier: Applier<RuleSet, RuleCommands> };

export function ruleHandlers({ database, applier }: RuleDeps): Handlers<typeof ruleRoutes> {
  const read = async (orgId: string, icpId: string): Promise<RuleSet> =>
    (await ruleSets.loadOf(database, orgId, icpId))?.state ?? initialState;

  const waitForIcp = async (orgId: string, icpId: string): Promise<void> => {
    const until = Date.now() + ICP_WAIT_MS;
    while ((await read(orgId, icpId)).icp === 'unknown' && Date.now() < until) await delay(ICP_LOOK_MS);
  };

  return {
    listRules: async ({ params: { icpId }, principal }) => {
      const { rules, version } = await read(principal.orgId, icpId);
      return { items: rules.map((rule) => ({ ...rule, icpId })), version };
    },
    createRule: async ({ params: { icpId }, body, principal: { orgId }, correlationId, idempotencyKey }) => {
      const id = idempotencyKey === null ? randomId() : derivedId(orgId, 'rule', idempotencyKey);
      await waitForIcp(orgId, icpId);
      const data = { orgId, icpId, rule: { id, ...body } };
      const { state } = await applier.apply({ name: 'AddRule', key: icpId, orgId, correlationId, data });
      return ruleOf(state, icpId, id);
    },
    updateRule: async ({ params: { icpId, ruleId }, body, principal: { orgId }, correlationId }) => {
      const data = { orgId, icpId, rule: { id: ruleId, ...body } };
      const { state } = await applier.apply({ name: 'ReplaceRule', key: icpId, orgId, correlationId, data });
      return ruleOf(state, icpId, ruleId);
    },
    deleteRule: async ({ params: { icpId, ruleId }, principal: { orgId }, correlationId }) => {
      const data = { orgId, icpId, ruleId };
      await applier.apply({ name: 'RemoveRule', key: icpId, orgId, correlationId, data });
      return { success: true };
    },
  };
}

function ruleOf({ rules }: RuleSet, icpId: string, ruleId: string): QualificationRule {
  const found = rules.find(({ id }) => id === ruleId);
  invariant(found !== undefined, 'a rule that was written is there');
  return { ...found, icpId };
}
