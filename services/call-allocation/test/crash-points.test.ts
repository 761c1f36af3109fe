/** The processors of call-allocation, broken at every place that a run passes. */
import { batchProcessor } from '@lead-flood/processor';
import { crashPoints } from '@lead-flood/testing';
import { createClock } from '../src/clock/processor.ts';
import { calls } from '../src/call/processor.ts';
import { createCallAllocation } from '../src/task/processor.ts';
import { at, freeCallers, heard, policy, reports, scores, ticks } from './inputs.ts';

crashPoints('call-allocation', {
  ...at,
  create: () => ({ starter: batchProcessor(createCallAllocation(policy)) }),
  inputs: scores,
  afterwards: heard,
});

crashPoints('call-allocation-calls', { ...at, create: () => ({ starter: batchProcessor(calls) }), inputs: reports });

crashPoints('call-allocation-clock', {
  ...at,
  create: () => ({ starter: batchProcessor(createClock({ isOffering: true })) }),
  seed: freeCallers,
  inputs: ticks,
});
