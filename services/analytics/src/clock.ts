/**
 * The clocks of analytics, and what it does by them: old dead letters are retired on the maintenance tick, in the
 * transaction that remembers the tick. Ticks of a clock lie in one partition, so the next one waits until this one is done.
 */
import { apply } from '@lead-flood/kernel';
import type { Tick } from '@lead-flood/postgres';
import { tickReader } from '@lead-flood/processor';
import type { BatchProcessor, HeardTick, tickReads } from '@lead-flood/processor';
import { retireDeadLetters } from './dead-letter-store.ts';

const MINUTE_MS = 60_000;
export const MAINTENANCE = 'system.maintenance';

/** X-SC-02, X-SC-03. */
export const clocks: readonly Tick[] = [
  { name: 'system.heartbeat', everyMs: MINUTE_MS },
  { name: MAINTENANCE, everyMs: MINUTE_MS },
];

/** Days that dead letters stay in the hot table, and altogether. */
export type Ages = { readonly hotDays: number; readonly keptDays: number };

export type AnalyticsClock = BatchProcessor<HeardTick, typeof tickReads, []>;

export const createClock = (ages: Ages): AnalyticsClock => ({
  group: 'analytics-clock',
  ...tickReader,
  writes: [],
  store: {
    load: tickReader.store.load,
    async save(tx, rows) {
      await tickReader.store.save(tx, rows);
      // Several ticks of a batch ask for the same: the newest does the work of all.
      const due = rows.find(({ state }) => state.tick === MAINTENANCE);
      if (due !== undefined) await retireDeadLetters(tx, due.state.dueAt, ages);
    },
  },
  decide: {
    Ticked: (_state, { data: { tick, period, dueAt } }) => apply<HeardTick, never>({ tick, period, dueAt }),
  },
});
