/** Every group's dead letters into one table. */
import { topics } from '@lead-flood/contracts';
import type { Startable } from '@lead-flood/processor';
import { rawProcessor } from '@lead-flood/processor';
import { saveDeadLetters } from './dead-letter-store.ts';

export const deadLetterTopics: readonly string[] = Object.keys(topics).filter((name) =>
  name.endsWith('.dead-letter.v1'),
);

export const deadLetterArchive = (): Startable =>
  rawProcessor({ group: 'analytics-dead-letters', topics: deadLetterTopics, save: saveDeadLetters });
