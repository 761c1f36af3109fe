/** Rules are changed by commands of REST; which ICPs there are is heard of their owner. */
import { topics } from '@lead-flood/contracts';
import type { BatchProcessor } from '@lead-flood/processor';
import type { AddRule, RemoveRule, ReplaceRule, RuleSet } from './domain.ts';
import { add, forgetIcp, hearOfIcp, initialState, remove, replace } from './domain.ts';
import { ruleSets } from './store.ts';

const reads = [topics['discovery.icp.v1']] as const;
const writes = [topics['scoring.rule.v1']] as const;

export type RuleCommands = { AddRule: AddRule; ReplaceRule: ReplaceRule; RemoveRule: RemoveRule };

export const ruleProcessor: BatchProcessor<RuleSet, typeof reads, typeof writes, undefined, RuleCommands> = {
  group: 'scoring-rules',
  reads,
  writes,
  store: ruleSets,
  initial: () => initialState,
  keyOf: ({ data }) => data.icpId,
  decide: {
    IcpCreated: hearOfIcp,
    IcpUpdated: hearOfIcp,
    IcpDeleted: (state, { data }, ctx) => forgetIcp(state, data, ctx.now),
    AddRule: (state, { data }, ctx) => add(state, data, ctx.now),
    ReplaceRule: (state, { data }, ctx) => replace(state, data, ctx.now),
    RemoveRule: (state, { data }, ctx) => remove(state, data, ctx.now),
  },
};
