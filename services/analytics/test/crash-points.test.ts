/** The projection, the clocks and the archive, broken at every place that a run of them passes. */
import { systemClock } from '@lead-flood/kernel';
import { batchProcessor } from '@lead-flood/processor';
import { crashPoints } from '@lead-flood/testing';
import { createClock } from '../src/clock.ts';
import { deadLetterArchive } from '../src/dead-letter-archive.ts';
import { createFreshness } from '../src/freshness.ts';
import { createAnalytics } from '../src/processor.ts';
import { archived, at, ignoreOfLetters, inputs, letters, ticks } from './inputs.ts';

crashPoints('analytics', {
  ...at,
  create: () => ({ starter: batchProcessor(createAnalytics(createFreshness(systemClock))) }),
  inputs,
});

crashPoints('analytics-clock', {
  ...at,
  create: () => ({ starter: batchProcessor(createClock({ hotDays: 30, keptDays: 180 })) }),
  inputs: ticks,
});

crashPoints('analytics-dead-letters', {
  ...at,
  create: () => ({ starter: { ...deadLetterArchive(), processor: { reads: archived, writes: [] } } }),
  inputs: letters,
  ignore: ignoreOfLetters,
});
