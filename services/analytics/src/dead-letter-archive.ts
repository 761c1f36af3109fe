/** Every group's dead letters into one table, and the hourly round that retires old ones. */
import { topics } from '@lead-flood/contracts';
import type { Clock } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import type { Startable } from '@lead-flood/processor';
import { rawProcessor } from '@lead-flood/processor';
import { retireDeadLetters, saveDeadLetters } from './dead-letter-store.ts';

const ROUND_MS = 3_600_000;

export const deadLetterTopics: readonly string[] = Object.keys(topics).filter((name) =>
  name.endsWith('.dead-letter.v1'),
);

export const deadLetterArchive = (): Startable =>
  rawProcessor({ group: 'analytics-dead-letters', topics: deadLetterTopics, save: saveDeadLetters });

export type Retirement = {
  readonly database: Database;
  readonly clock: Clock;
  readonly ages: { readonly hotDays: number; readonly keptDays: number };
  readonly onError: (error: unknown) => void;
};

/** A round that fails is repeated an hour later: nothing waits for it. */
export function startRetirement({ database, clock, ages, onError }: Retirement): {
  readonly stop: () => Promise<void>;
} {
  let running: Promise<void> = Promise.resolve();
  const round = (): void => {
    running = retireDeadLetters(database, clock.now(), ages).catch(onError);
  };
  round();
  const timer = setInterval(round, ROUND_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return running;
    },
  };
}
