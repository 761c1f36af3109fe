/** Which periods of a clock are due, and the row that remembers the newest that was written. */
import { z } from 'zod';
import { fault } from '@lead-flood/kernel';
import { numbers, texts } from './arrays.ts';
import { sql } from './database.ts';
import type { Queries } from './database.ts';

/** Something that is due in every period of so many milliseconds since 1970. */
export type Tick = { readonly name: string; readonly everyMs: number };

/** A tick of one period: the number of the period, and its beginning. */
export type DueTick = { readonly name: string; readonly period: number; readonly dueAt: number };

const row = z.object({ name: z.string(), period: z.int(), due_at: z.number() });

/**
 * The period that runs now, by the database's clock, of each tick whose newest written period is an older one; a clock
 * that was set back is waited for. Periods that nobody wrote are not caught up with: only the latest is due.
 */
export async function advanceTicks(tx: Queries, ticks: readonly Tick[]): Promise<readonly DueTick[]> {
  const due = await tx.any(sql.type(row)`
    with now as (
      select name, every_ms, floor(extract(epoch from now()) * 1000 / every_ms)::bigint as period
      from unnest(${texts(ticks.map((t) => t.name))}::text[], ${numbers(ticks.map((t) => t.everyMs))}::bigint[]) as t(name, every_ms)
    ), written as (
      insert into ticks (name, period, fired_at) select name, period, now() from now
      on conflict (name) do update set period = excluded.period, fired_at = excluded.fired_at
      where ticks.period < excluded.period
      returning name
    )
    select name, period, period * every_ms as due_at from now join written using (name) order by name
  `);
  await fault('ticks.advanced');
  return due.map(({ due_at: dueAt, ...rest }) => ({ ...rest, dueAt }));
}

/** Milliseconds until the first of these ticks is due, by the database's clock; zero when one is overdue. */
export function untilNextTick(queries: Queries, ticks: readonly Tick[]): Promise<number> {
  return queries.oneFirst(sql.type(z.object({ ms: z.int() }))`
    select greatest(0, ceil(min(
      coalesce((ticks.period + 1) * t.every_ms, 0) - extract(epoch from clock_timestamp()) * 1000
    )))::bigint as ms
    from unnest(${texts(ticks.map((t) => t.name))}::text[], ${numbers(ticks.map((t) => t.everyMs))}::bigint[]) as t(name, every_ms)
    left join ticks using (name)
  `);
}
