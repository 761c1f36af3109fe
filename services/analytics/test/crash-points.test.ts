/** The projection and the archive, broken at every place that a run of them passes. */
import { systemClock } from '@lead-flood/kernel';
import { batchProcessor } from '@lead-flood/processor';
import { crashPoints } from '@lead-flood/testing';
import { deadLetterArchive } from '../src/dead-letter-archive.ts';
import { createFreshness } from '../src/freshness.ts';
import { createAnalytics } from '../src/processor.ts';
import { archived, at, ignoreOfLetters, inputs, letters } from './inputs.ts';

crashPoints('analytics', {
  ...at,
  create: () => ({ starter: batchProcessor(createAnalytics(createFreshness(systemClock))) }),
  inputs,
});

crashPoints('analytics-dead-letters', {
  ...at,
  create: () => ({ starter: { ...deadLetterArchive(), processor: { reads: archived, writes: [] } } }),
  inputs: letters,
  ignore: ignoreOfLetters,
});
