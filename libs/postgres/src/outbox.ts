/** Writes messages beside the state they follow from, in the same transaction. Publishing is the relay's work. */
import { jsons, slices, texts } from './arrays.ts';
import { sql } from './database.ts';
import type { Queries } from './database.ts';

export type OutboxMessage = {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer | null;
};

/** Order of the array = order of publishing. */
export async function insertOutbox(tx: Queries, messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const values = slices(messages.map((m) => m.value));
  await tx.query(sql.unsafe`
    insert into outbox (topic, key, headers, value)
    select topic, key, headers, substring(${sql.binary(values.all)}::bytea from starts for length)
    from unnest(
      ${texts(messages.map((m) => m.topic))}::text[],
      ${texts(messages.map((m) => m.key))}::text[],
      ${jsons(messages.map((m) => JSON.stringify(m.headers)))},
      ${values.from}::int[],
      ${values.length}::int[]
    ) with ordinality as m(topic, key, headers, starts, length, n)
    order by n
  `);
}
