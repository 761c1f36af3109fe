/** Scoring under the suite that every processor passes. */
import { batchProcessor } from '@lead-flood/processor';
import { conformance } from '@lead-flood/testing';
import { scoring } from '../src/lead-score/processor.ts';
import { ruleProcessor } from '../src/rule-set/processor.ts';
import { at, icpInputs, inputs, seedRules } from './inputs.ts';

conformance({ ...at, starter: batchProcessor(scoring), inputs, whole: true });
conformance({
  ...at,
  starter: batchProcessor(ruleProcessor),
  inputs: icpInputs,
  seed: ({ database }) => seedRules(database),
});
