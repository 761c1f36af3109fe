/** Scoring, broken at every place that a run of it passes. */
import { batchProcessor } from '@lead-flood/processor';
import { crashPoints } from '@lead-flood/testing';
import { scoring } from '../src/processor.ts';
import { at, inputs } from './inputs.ts';

crashPoints('scoring', { ...at, create: () => ({ starter: batchProcessor(scoring) }), inputs });
