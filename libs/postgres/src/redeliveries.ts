/**
 * Inputs that wait for another try. A redelivered message counts only while its row names that attempt; the row goes,
 * or moves to the next attempt, in the transaction that decides the message. A repeat of the timer then finds nothing.
 */
import { z } from 'zod';
import { numbers, texts } from './arrays.ts';
import { sql } from './database.ts';
import type { Queries } from './database.ts';

export type Redelivery = {
  readonly messageId: string;
  readonly attempt: number;
  readonly code: string;
  readonly detail: string;
};

/** The attempt that each message waits for; locks the rows. */
export async function expectedAttempts(
  tx: Queries,
  group: string,
  messageIds: readonly string[],
): Promise<Map<string, number>> {
  if (messageIds.length === 0) return new Map();
  const rows = await tx.any(sql.type(z.object({ message_id: z.string(), attempt: z.int() }))`
    select message_id, attempt from redeliveries
    where consumer_group = ${group} and message_id = any(${texts(messageIds)}::uuid[])
    order by message_id for update
  `);
  return new Map(rows.map((r) => [r.message_id, r.attempt]));
}

export async function expectRedeliveries(
  tx: Queries,
  group: string,
  redeliveries: readonly Redelivery[],
): Promise<void> {
  if (redeliveries.length === 0) return;
  await tx.query(sql.unsafe`
    insert into redeliveries (consumer_group, message_id, attempt, code, detail)
    select ${group}, * from unnest(
      ${texts(redeliveries.map((r) => r.messageId))}::uuid[],
      ${numbers(redeliveries.map((r) => r.attempt))}::int[],
      ${texts(redeliveries.map((r) => r.code))}::text[],
      ${texts(redeliveries.map((r) => r.detail))}::text[]
    )
    on conflict (consumer_group, message_id) do update
    set attempt = excluded.attempt, code = excluded.code, detail = excluded.detail, scheduled_at = now()
  `);
}

export async function endRedeliveries(tx: Queries, group: string, messageIds: readonly string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await tx.query(sql.unsafe`
    delete from redeliveries where consumer_group = ${group} and message_id = any(${texts(messageIds)}::uuid[])
  `);
}
