/**
 * The gateway at a glance. It reads no topic; what comes in through its own doors goes out through its outbox.
 *
 *   clients ──▶ gate (limits, credential, policy) ──▶ the other services' doors
 *                  ├─ CSV files, JSON arrays ──▶ ingest.lead.v1    LeadSubmitted
 *   Yay ──signed──▶├─ webhooks/yay ───────────▶ ingest.call.v1    CallReported
 *   mail ─signed──▶└─ webhooks/mail ──────────▶ ingest.reply.v1   ReplyReceived
 */
import { join } from 'node:path';
import { defineService } from '@lead-flood/service';
import { config } from './config.ts';
import { canonicalUrl } from './domain/path-alias.ts';
import { errorCodes } from './errors.ts';
import { createGateway } from './gateway.ts';

export const service = defineService({
  name: 'ingest-gateway',
  schema: 'ingest_gateway',
  migrations: join(import.meta.dirname, '../migrations'),
  config,
  writes: ['LeadSubmitted', 'CallReported', 'ReplyReceived'],
  errorCodes,
  door: ({ API_PORT, TRUSTED_PROXIES }) => ({ port: API_PORT, trustProxy: TRUSTED_PROXIES, rewriteUrl: canonicalUrl }),
  build: createGateway,
});
