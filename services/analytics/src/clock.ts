/**
 * The clocks of analytics, and what it does by them: old dead letters are retired on the
 * maintenance tick, in the transaction that remembers the tick. Ticks of a clock lie in one partition, so the next one
 * waits until this one is done.
 */
import { z } from 'zod';
import { topics } from '@lead-flood/contracts';
import { apply, derivedId } from '@lead-flood/kernel';
import { createDocumentStore } from '@lead-flood/postgres';
import type { Tick } from '@lead-flood/postgres';
import type { BatchProcessor } from '@lead-flood/processor';
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

/** The newest tick of one clock. */
type Heard = { readonly tick: string; readonly period: number; readonly dueAt: number };

const heard: z.ZodType<Heard> = z.object({ tick: z.string(), period: z.int(), dueAt: z.number() });
const table = createDocumentStore<Heard>({ table: 'clocks', state: heard, columns: [] });

const reads = [topics['platform.tick.v1']] as const;

export type AnalyticsClock = BatchProcessor<Heard, typeof reads, []>;

export const createClock = (ages: Ages): AnalyticsClock => ({
  group: 'analytics-clock',
  reads,
  writes: [],
  store: {
    load: table.load,
    async save(tx, rows) {
      await table.save(tx, rows);
      // Several ticks of a batch ask for the same: the newest does the work of all.
      const due = rows.find(({ state }) => state.tick === MAINTENANCE);
      if (due !== undefined) await retireDeadLetters(tx, due.state.dueAt, ages);
    },
  },
  initial: () => ({ tick: '', period: 0, dueAt: 0 }),
  keyOf: ({ data }) => derivedId('clock', data.tick),
  decide: {
    Ticked: (_state, { data: { tick, period, dueAt } }) => apply<Heard, never>({ tick, period, dueAt }),
  },
});
