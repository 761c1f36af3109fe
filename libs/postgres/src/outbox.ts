/**
 * Writes messages beside the state they follow from, in the same transaction. Publishing is the relay's work.
 *
 *   a decision ─ insertOutbox ────┐
 *   timers ───── fireDueTimers ───┼─▶ intoOutbox ─▶ outbox ─▶ relay
 *   admissions ─ admitNext ───────┘     (what waited moves: deleted there and written here by one statement)
 */
import { jsons, slices, texts } from './arrays.ts';
import { sql } from './database.ts';
import type { Queries } from './database.ts';

export type OutboxMessage = {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer | null;
};

/**
 * The one way into the outbox. `messages` is a query for topic, key, headers, value and `n`, by whose order the numbers are
 * drawn that the relay publishes by. The text is the same each time, so the statement round it stays a prepared one.
 */
export const intoOutbox = (messages: ReturnType<typeof sql.fragment>): ReturnType<typeof sql.fragment> => sql.fragment`
  insert into outbox (topic, key, headers, value)
  select topic, key, headers, value from (${messages}) as message order by n
`;

/** Order of the array = order of publishing. */
export async function insertOutbox(tx: Queries, messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const values = slices(messages.map((m) => m.value));
  const rows = sql.fragment`
    select topic, key, headers, substring(${sql.binary(values.all)}::bytea from starts for length) as value, n
    from unnest(
      ${texts(messages.map((m) => m.topic))}::text[],
      ${texts(messages.map((m) => m.key))}::text[],
      ${jsons(messages.map((m) => JSON.stringify(m.headers)))},
      ${values.from}::int[],
      ${values.length}::int[]
    ) with ordinality as m(topic, key, headers, starts, length, n)
  `;
  await tx.query(sql.unsafe`${intoOutbox(rows)}`);
}
