/** Discovery under the suite that every processor passes; the inputs meet each other by several keys. */
import { batchProcessor } from '@lead-flood/processor';
import { conformance } from '@lead-flood/testing';
import { discovery } from '../src/lead/processor.ts';
import { at, ignore, inputs } from './inputs.ts';

conformance({ ...at, starter: batchProcessor(discovery), inputs, ignore });
