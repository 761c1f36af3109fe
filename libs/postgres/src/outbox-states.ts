/** What has become of messages that were to go out, for operators: the view `outbox_states` of a schema (decision C-16). */
import { z } from 'zod';
import { sql } from './database.ts';
import type { Queries } from './database.ts';

export const outboxStatuses = ['pending', 'processing', 'sent', 'failed', 'dead_letter'] as const;
export type OutboxStatus = (typeof outboxStatuses)[number];

const row = z.object({
  created_at: z.number(),
  topic: z.string(),
  key: z.string().nullable(),
  message_id: z.string().nullable(),
  status: z.enum(outboxStatuses),
  attempts: z.int(),
  next_attempt_at: z.number().nullable(),
  code: z.string().nullable(),
});

/** Of one organisation, newest first. Reads what the outbox keeps, two to three days: an operator's question, not a door's. */
export async function readOutboxStates(
  queries: Queries,
  orgId: string,
  { status, limit }: { readonly status?: OutboxStatus | undefined; readonly limit: number },
) {
  const only = status === undefined ? sql.fragment`true` : sql.fragment`status = ${status}`;
  const rows = await queries.any(sql.type(row)`
    select created_at, topic, key, message_id, status, attempts, next_attempt_at, code
    from outbox_states where org_id = ${orgId} and ${only}
    order by created_at desc limit ${limit}
  `);
  return rows.map((r) => ({
    createdAt: new Date(r.created_at).toISOString(),
    topic: r.topic,
    key: r.key,
    messageId: r.message_id,
    status: r.status,
    attempts: r.attempts,
    nextAttemptAt: r.next_attempt_at === null ? null : new Date(r.next_attempt_at).toISOString(),
    code: r.code,
  }));
}
