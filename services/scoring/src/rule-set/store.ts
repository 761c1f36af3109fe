/** The rules of each ICP, keyed by the ICP's id. */
import { z } from 'zod';
import { rule } from '@lead-flood/contracts';
import { createDocumentStore } from '@lead-flood/postgres';
import type { RuleSet } from './domain.ts';

const ruleSet: z.ZodType<RuleSet> = z.object({
  icp: z.enum(['unknown', 'known', 'deleted']),
  version: z.int(),
  rules: z.array(rule.omit({ icpId: true })),
});

export const ruleSets = createDocumentStore<RuleSet>({ table: 'rule_sets', state: ruleSet });
