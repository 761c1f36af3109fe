/** Scoring's REST doors: the rules of an ICP. */
import type { Handlers } from '@lead-flood/contracts';
import type { ruleRoutes } from '@lead-flood/contracts';
import { derivedId, randomId } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { deleteRule, listRules, saveRule } from './rule-store.ts';

export const handlers = (database: Database): Handlers<typeof ruleRoutes> => ({
  listRules: ({ params, principal }) => listRules(database, principal.orgId, params.icpId),
  createRule: ({ params, body, principal, idempotencyKey }) => {
    const id = idempotencyKey === null ? randomId() : derivedId(principal.orgId, 'rule', idempotencyKey);
    return saveRule(database, principal.orgId, { id, icpId: params.icpId, ...body }, false);
  },
  updateRule: ({ params, body, principal }) =>
    saveRule(database, principal.orgId, { id: params.ruleId, icpId: params.icpId, ...body }, true),
  deleteRule: async ({ params, principal }) => {
    await deleteRule(database, principal.orgId, params);
    return { success: true };
  },
});
