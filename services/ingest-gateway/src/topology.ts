/**
 * The gateway at a glance. What comes in through its own doors goes out through its outbox.
 *
 *   clients ──▶ gate (limits, credential, policy) ──▶ the other services' doors
 *                  ├─ CSV files, JSON arrays ──▶ ingest.lead.v1    LeadSubmitted
 *   Yay ──signed──▶├─ webhooks/yay ───────────▶ ingest.call.v1    CallReported
 *   mail ─signed──▶└─ webhooks/mail ──────────▶ ingest.reply.v1   ReplyReceived
 *
 *   platform.job.v1 ──▶ ingest-gateway-jobs ──▶ platform.job-command.v1   JobCancelRequested | JobRetryRequested
 *   /v1/jobs ─────────────────▲      ▲
 *   its clock ─▶ platform.tick.v1 ─▶ ingest-gateway-clock (failed jobs again, hourly)
 */
import { join } from 'node:path';
import { defineService } from '@lead-flood/service';
import { config } from './config.ts';
import { canonicalUrl } from './domain/path-alias.ts';
import { errorCodes } from './errors.ts';
import { createGateway } from './gateway.ts';
import { clocks } from './jobs/processor.ts';

export const service = defineService({
  name: 'ingest-gateway',
  schema: 'ingest_gateway',
  migrations: join(import.meta.dirname, '../migrations'),
  config,
  writes: [
    'LeadSubmitted',
    'CallReported',
    'ReplyReceived',
    'JobChanged',
    'JobCancelRequested',
    'JobRetryRequested',
    'Ticked',
  ],
  ticks: clocks,
  errorCodes,
  door: ({ API_PORT, TRUSTED_PROXIES }) => ({ port: API_PORT, trustProxy: TRUSTED_PROXIES, rewriteUrl: canonicalUrl }),
  build: createGateway,
});
