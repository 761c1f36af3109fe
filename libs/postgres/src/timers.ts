/** Messages for later. A due one goes through the outbox like any other, so it arrives in order and with lag visible. */
import { fault } from '@lead-flood/kernel';
import { bytes, jsons, texts, times } from './arrays.ts';
import { sql } from './database.ts';
import type { Queries } from './database.ts';
import { intoOutbox } from './outbox.ts';
import type { OutboxMessage } from './outbox.ts';

export type TimerMessage = OutboxMessage & { readonly id: string; readonly dueAt: number };

/** A timer with the same id is kept as it was: deciding twice does not fire twice. */
export async function insertTimers(tx: Queries, timers: readonly TimerMessage[]): Promise<void> {
  if (timers.length === 0) return;
  await tx.query(sql.unsafe`
    insert into timers (id, due_at, topic, key, headers, value)
    select * from unnest(
      ${texts(timers.map((t) => t.id))}::uuid[],
      ${times(timers.map((t) => t.dueAt))}::timestamptz[],
      ${texts(timers.map((t) => t.topic))}::text[],
      ${texts(timers.map((t) => t.key))}::text[],
      ${jsons(timers.map((t) => JSON.stringify(t.headers)))},
      ${bytes(timers.map((t) => t.value))}::bytea[]
    )
    on conflict (id) do nothing
  `);
}

/** Moves due timers to the outbox in one statement, 500 at most so that it stays short; returns how many. */
export async function fireDueTimers(connection: Queries): Promise<number> {
  await fault('timers.fire.before');
  const { rowCount } = await connection.query(sql.unsafe`
    with due as (
      delete from timers
      where id in (select id from timers where due_at <= now() order by due_at limit 500 for update skip locked)
      returning due_at, topic, key, headers, value
    )
    ${intoOutbox(sql.fragment`select topic, key, headers, value, due_at as n from due`)}
  `);
  await fault('timers.fire.after');
  return rowCount;
}
