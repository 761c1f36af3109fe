/** Scoring and its rules, broken at every place that a run of them passes; rules by their route as well. */
import { batchProcessor, createApplier } from '@lead-flood/processor';
import { crashPoints, sampleId, sampleOrg } from '@lead-flood/testing';
import { scoring } from '../src/lead-score/processor.ts';
import { ruleProcessor } from '../src/rule-set/processor.ts';
import { at, icpInputs, inputs, ruleOf, seedRules } from './inputs.ts';

crashPoints('scoring', { ...at, create: () => ({ starter: batchProcessor(scoring) }), inputs });

crashPoints('scoring-rules', {
  ...at,
  create: () => ({ starter: batchProcessor(ruleProcessor) }),
  inputs: icpInputs,
  seed: seedRules,
});

/** By the same id again, as a client asks that has not heard the answer. */
const replaced = Array.from({ length: 3 }, (_, i) => ({
  name: 'ReplaceRule' as const,
  id: sampleId('replaced', i),
  key: sampleId('icp', i),
  orgId: sampleOrg,
  correlationId: 'test',
  data: { orgId: sampleOrg, icpId: sampleId('icp', i), rule: ruleOf(`${i}-1`, { weight: 0.9 }) },
}));

crashPoints('the route of rules', {
  ...at,
  create: () => ({
    starter: batchProcessor(ruleProcessor),
    asks: replaced.map((command) => async (door) => {
      await createApplier(ruleProcessor, door).apply(command);
    }),
  }),
  inputs: [],
  seed: seedRules,
});
