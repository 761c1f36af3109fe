/** Analytics under the suite that every processor passes: the projection of five topics, the clocks, the archive of dead letters. */
import { systemClock } from '@lead-flood/kernel';
import { batchProcessor, rawProcessor } from '@lead-flood/processor';
import { batchCrashPoints, conformance } from '@lead-flood/testing';
import { createClock } from '../src/clock.ts';
import { saveDeadLetters } from '../src/dead-letter-store.ts';
import { createFreshness } from '../src/freshness.ts';
import { createAnalytics } from '../src/processor.ts';
import { archived, at, ignoreOfLetters, inputs, letters, ticks } from './inputs.ts';

/** Neither publishes anything, so their relays never pass the others. */
const crashPoints = batchCrashPoints.filter((point) => !point.startsWith('kafka.') && !point.startsWith('relay.'));

conformance({ ...at, starter: batchProcessor(createAnalytics(createFreshness(systemClock))), inputs, crashPoints });

conformance({
  ...at,
  starter: batchProcessor(createClock({ hotDays: 30, keptDays: 180 })),
  inputs: ticks,
  crashPoints,
});

const archive = rawProcessor({
  group: 'analytics-dead-letters',
  topics: archived.map(({ name }) => name),
  save: saveDeadLetters,
});

conformance({
  ...at,
  starter: { ...archive, processor: { reads: archived, writes: [] } },
  inputs: letters,
  crashPoints: ['db.commit.before', 'db.commit.after', 'processor.told'],
  // Every record is a row of its own, named by its place: what is written again is another letter.
  repeatable: false,
  ignore: ignoreOfLetters,
});
