/** The projection, the clocks, their ticker and the archive, broken at every place that a run of them passes. */
import { setTimeout as delay } from 'node:timers/promises';
import { topics } from '@lead-flood/contracts';
import { systemClock, toError } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import { batchProcessor, createTicker } from '@lead-flood/processor';
import type { CrashSubject } from '@lead-flood/testing';
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

/** One period of every run, wherever it falls. */
const CENTURY_MS = 100 * 365 * 86_400_000;
const ROUND_MS = 3;
const slow = [
  { name: 'system.heartbeat', everyMs: CENTURY_MS },
  { name: 'system.maintenance', everyMs: CENTURY_MS },
];

/** As if the holder's time had passed: a dead one's, a frozen one's. */
const outlast = (database: Database): Promise<unknown> => database.query(sql.unsafe`update leases set until = now()`);

/**
 * A replica that is frozen after it has taken the lease for the first time: another takes over and ticks, then the first
 * one wakes in front of its transaction and must write nothing.
 */
const createTicking = (): CrashSubject => ({
  starter: {
    group: 'ticker',
    processor: { reads: [], writes: [topics['platform.tick.v1']] },
    start: ({ database, codec, wakeRelay, telemetry }) => {
      const other = createTicker({ ticks: slow, database, codec, wakeRelay });
      const frozen: Database = {
        ...database,
        transaction: async (body) => {
          await outlast(database);
          await other.round();
          return database.transaction(body);
        },
      };
      const first = createTicker({ ticks: slow, database: frozen, codec, wakeRelay });
      let isStopping = false;
      const rounds = (async () => {
        while (!isStopping) {
          await outlast(database)
            .then(() => first.round())
            .catch((error: unknown) => {
              telemetry.error('ticker', toError(error), 'a round failed');
            });
          await delay(ROUND_MS);
        }
      })();
      const stop = (): Promise<void> => {
        isStopping = true;
        return rounds;
      };
      return Promise.resolve({ lastSeenAt: Date.now, halted: () => null, failingSince: () => null, stop });
    },
  },
  isDone: (database) => database.exists(sql.unsafe`select 1 from ticks`),
});

crashPoints('analytics-ticker', { ...at, create: createTicking, inputs: [] });

crashPoints('analytics-dead-letters', {
  ...at,
  create: () => ({ starter: { ...deadLetterArchive(), processor: { reads: archived, writes: [] } } }),
  inputs: letters,
  // Every record is a row of its own, named by its place: what is written again is another letter.
  repeatable: false,
  ignore: ignoreOfLetters,
});
