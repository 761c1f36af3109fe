/** The processors of call-allocation under the suite that every processor passes. */
import { batchProcessor } from '@lead-flood/processor';
import { conformance } from '@lead-flood/testing';
import { createClock } from '../src/clock/processor.ts';
import { calls } from '../src/call/processor.ts';
import { createCallAllocation } from '../src/task/processor.ts';
import { at, freeCallers, heard, policy, reports, scores, ticks } from './inputs.ts';

conformance({ ...at, starter: batchProcessor(createCallAllocation(policy)), inputs: scores, afterwards: heard });

conformance({ ...at, starter: batchProcessor(calls), inputs: reports });

conformance({
  ...at,
  starter: batchProcessor(createClock({ isOffering: true })),
  seed: ({ database }) => freeCallers(database),
  inputs: ticks,
});
