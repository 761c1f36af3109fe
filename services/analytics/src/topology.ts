/**
 * Analytics at a glance.
 *
 *   discovery.lead.v1       ─┐
 *   enrichment.lead.v1       │
 *   scoring.lead.v1          ├─▶ analytics ─▶ lead_models ─▶ GET /v1/leads, /v1/jobs, /v1/analytics/...
 *   outreach.message.v1      │
 *   call-allocation.task.v1 ─┘
 *
 *   *.dead-letter.v1 ─▶ analytics-dead-letters ─▶ dead_letters ─▶ GET /v1/dead-letters
 *
 *   ticks ─▶ platform.tick.v1 ─▶ analytics-clock ─▶ retires dead letters
 */
import { join } from 'node:path';
import {
  deadLetterRoutes,
  funnelRoutes,
  joinRoutes,
  leadJobRoutes,
  leadRoutes,
  uploadProgressRoutes,
} from '@lead-flood/contracts';
import { batchProcessor } from '@lead-flood/processor';
import { addServiceRoutes, defineService, shellOptions } from '@lead-flood/service';
import { clocks, createClock } from './clock.ts';
import { config } from './config.ts';
import { deadLetterArchive } from './dead-letter-archive.ts';
import { errorCodes } from './errors.ts';
import { createFreshness } from './freshness.ts';
import { handlers, internalHandlers } from './http.ts';
import { createAnalytics } from './processor.ts';

export const service = defineService({
  name: 'analytics',
  schema: 'analytics',
  migrations: join(import.meta.dirname, '../migrations'),
  config,
  writes: ['Ticked'],
  ticks: clocks,
  errorCodes,
  build: ({ database, clock, config: settings }, server) => {
    const freshness = createFreshness(clock);
    addServiceRoutes(
      server,
      joinRoutes(leadRoutes, funnelRoutes, deadLetterRoutes),
      handlers({ database, freshness, clock }),
      settings,
    );
    addServiceRoutes(server, joinRoutes(leadJobRoutes, uploadProgressRoutes), internalHandlers(database), settings);
    const retirement = createClock({
      hotDays: settings.ANALYTICS_DEAD_LETTERS_HOT_DAYS,
      keptDays: settings.ANALYTICS_DEAD_LETTERS_KEPT_DAYS,
    });
    const batches = {
      ...shellOptions(settings),
      batchMessagesMax: settings.ANALYTICS_BATCH_MESSAGES_MAX,
      gatherMs: settings.ANALYTICS_BATCH_GATHER_MS,
    };
    return {
      processors: [
        batchProcessor(createAnalytics(freshness), batches),
        batchProcessor(retirement, shellOptions(settings)),
        deadLetterArchive(),
      ],
    };
  },
});
