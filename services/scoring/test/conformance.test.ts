/** Scoring under the suite that every processor passes. */
import { batchProcessor } from '@lead-flood/processor';
import { conformance } from '@lead-flood/testing';
import { scoring } from '../src/processor.ts';
import { at, inputs } from './inputs.ts';

conformance({ ...at, starter: batchProcessor(scoring), inputs });
