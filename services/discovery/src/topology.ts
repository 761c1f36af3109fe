/**
 * Discovery at a glance.
 *
 *   ingest.lead.v1 ──▶ discovery ──▶ discovery.lead.v1
 *     LeadSubmitted       ▲             LeadDiscovered | LeadUpdated | LeadDuplicated | LeadRejected | LeadMerged
 *                         │
 *   POST /v1/leads ───────┘  (CreateLead, the same decisions; 409 when the person is known)
 */
import { join } from 'node:path';
import { freshLeadRoutes, icpRoutes, joinRoutes, newLeadRoutes } from '@lead-flood/contracts';
import { batchProcessor } from '@lead-flood/processor';
import { addServiceRoutes, defineService, shellOptions } from '@lead-flood/service';
import { config } from './config.ts';
import { errorCodes } from './errors.ts';
import { handlers, internalHandlers } from './http.ts';
import { discovery } from './processor.ts';

export const service = defineService({
  name: 'discovery',
  schema: 'discovery',
  migrations: join(import.meta.dirname, '../migrations'),
  config,
  writes: ['LeadDiscovered', 'LeadUpdated', 'LeadDuplicated', 'LeadRejected', 'LeadMerged'],
  errorCodes,
  build: ({ database, clock, applier, config: settings }, server) => {
    const door = handlers({ database, applier: applier(discovery), now: clock.now });
    addServiceRoutes(server, joinRoutes(newLeadRoutes, icpRoutes), door, settings);
    addServiceRoutes(server, freshLeadRoutes, internalHandlers(database), settings);
    return { processors: [batchProcessor(discovery, shellOptions(settings))] };
  },
});
