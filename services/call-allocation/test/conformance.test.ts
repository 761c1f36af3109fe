/** Both processors of call-allocation under the suite that every processor passes. */
import { batchProcessor } from '@lead-flood/processor';
import { conformance } from '@lead-flood/testing';
import { calls, createCallAllocation } from '../src/processor.ts';
import { at, heard, policy, reports, scores } from './inputs.ts';

conformance({ ...at, starter: batchProcessor(createCallAllocation(policy)), inputs: scores, afterwards: heard });

conformance({ ...at, starter: batchProcessor(calls), inputs: reports });
