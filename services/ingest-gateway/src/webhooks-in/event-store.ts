/** Webhook events that were taken: the raw bytes, once each, in one transaction with what follows from them. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Database, OutboxMessage } from '@lead-flood/postgres';
import { bytes, insertOutbox, sql } from '@lead-flood/postgres';

export type WebhookEvent = {
  readonly provider: string;
  /** Within which `eventId` is unique; empty where one account serves all organisations. */
  readonly account: string;
  readonly eventId: string;
  readonly orgId: string | null;
  readonly outcome: 'accepted' | 'ignored' | 'unmatched';
  readonly raw: Buffer;
  readonly messages: readonly OutboxMessage[];
};

/** Larger ones are not kept as they came. */
const RAW_BYTES_MAX = 1_048_576;

/** `duplicate`: the id, or the very same bytes under another id, were here before; nothing is done. */
export async function acceptEvent(
  database: Database,
  event: WebhookEvent,
): Promise<WebhookEvent['outcome'] | 'duplicate'> {
  const { provider, account, eventId, orgId, outcome, raw, messages } = event;
  // A mail with a file would stay here for a week with nobody to read it; its digest is enough to know it again.
  const kept = raw.length <= RAW_BYTES_MAX ? raw : null;
  const bodyHash = createHash('sha256').update(raw).digest('hex');
  return database.transaction(async (tx) => {
    const inserted = await tx.maybeOne(sql.type(z.object({ event_id: z.string() }))`
      insert into processed_webhook_events (provider, account, event_id, org_id, outcome, body_hash, raw)
      select ${provider}, ${account}, ${eventId}, ${orgId}::uuid, ${outcome}, ${bodyHash}, raw from unnest(${bytes([kept])}::bytea[]) as b(raw)
      on conflict do nothing
      returning event_id
    `);
    if (inserted === null) return 'duplicate';
    await insertOutbox(tx, messages);
    return outcome;
  });
}
