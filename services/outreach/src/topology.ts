/**
 * Outreach at a glance.
 *
 *   discovery.lead.v1 ───────┐  (LeadMerged, ConsentRecorded)
 *   scoring.lead.v1 ─────────┤
 *   ingest.reply.v1 ─────────┼─▶ outreach ─────▶ outreach.send.v1 ──▶ outreach-send ──▶ SMTP, Trengo
 *   call-allocation.task.v1 ─┘      │              SendMessage             │
 *                                   └────────▶ outreach.message.v1 ◀───────┘
 *                            MessageReplied, LeadNotContacted       MessageSent, MessageFailed
 *                                   └────────▶ outreach.suppression.v1  ContactSuppressed
 */
import { join } from 'node:path';
import { threadRoutes } from '@lead-flood/contracts';
import { batchProcessor, effectProcessor } from '@lead-flood/processor';
import { addServiceRoutes, createMailThreadIds, defineService, shellOptions } from '@lead-flood/service';
import type { MailThread } from '@lead-flood/service';
import { config } from './config.ts';
import { errorCodes } from './errors.ts';
import { handlers } from './http.ts';
import { createSendProcessor, outreach } from './processor.ts';
import { createTransports } from './providers/registry.ts';
import { createSender } from './sender.ts';

export const service = defineService({
  name: 'outreach',
  schema: 'outreach',
  migrations: join(import.meta.dirname, '../migrations'),
  config,
  writes: ['SendMessage', 'MessageSent', 'MessageFailed', 'MessageReplied', 'LeadNotContacted', 'ContactSuppressed'],
  errorCodes,
  build: ({ config: settings, database, applier, log }, server) => {
    const transports = createTransports(
      {
        smtpUrl: settings.SMTP_URL,
        mailFrom: settings.MAIL_FROM,
        mailFromName: settings.MAIL_FROM_NAME,
        mail: { connectionsMax: settings.SMTP_CONNECTIONS_MAX },
        trengoApiKey: settings.TRENGO_API_KEY,
        trengoBaseUrl: settings.TRENGO_BASE_URL,
        trengoTemplateId: settings.TRENGO_TEMPLATE_ID,
        trengo: { allowPrivate: settings.OUTREACH_PRIVATE_PROVIDERS },
      },
      {
        onBreaker: (provider, state) => {
          log.warn({ provider, state }, 'breaker');
        },
      },
    );
    if (transports.notConfigured.length > 0)
      log.info({ reason: transports.notConfigured.join(', ') }, 'channels without a key');
    const { MAIL_THREAD_SECRET: secret, MAIL_DOMAIN: domain } = settings;
    // Only mail needs one that leads back; without it no mail goes out.
    const idOf =
      secret === undefined ? ({ messageId }: MailThread) => messageId : createMailThreadIds({ secret, domain }).write;
    const limits = {
      inFlightMax: settings.OUTREACH_SEND_IN_FLIGHT_MAX,
      deadlineMs: settings.OUTREACH_SEND_DEADLINE_MS,
    };
    addServiceRoutes(server, threadRoutes, handlers(database, applier(outreach)), settings);
    return {
      processors: [
        batchProcessor(outreach, shellOptions(settings)),
        effectProcessor(createSendProcessor(createSender(transports.byChannel, idOf), limits)),
      ],
      breakers: transports.breakerStates,
      stop: () => transports.stop(),
    };
  },
});
