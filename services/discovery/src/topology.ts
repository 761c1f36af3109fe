/**
 * Discovery at a glance.
 *
 *   ingest.lead.v1 ──▶ discovery ──▶ discovery.lead.v1
 *     LeadSubmitted       ▲             LeadDiscovered | LeadUpdated | LeadDuplicated | LeadRejected | LeadMerged |
 *                         │             ConsentRecorded
 *                         │
 *   POST /v1/leads ───────┘  (CreateLead, the same decisions; 409 when the person is known)
 *
 *   /v1/icps ─────▶ discovery-icps ─▶ discovery.icp.v1     IcpCreated | IcpUpdated | IcpDeleted
 */
import { join } from 'node:path';
import { freshLeadRoutes, icpRoutes, newLeadRoutes } from '@lead-flood/contracts';
import { batchProcessor } from '@lead-flood/processor';
import { addServiceRoutes, defineService, shellOptions } from '@lead-flood/service';
import { config } from './config.ts';
import { errorCodes } from './errors.ts';
import { icpHandlers } from './icp/http.ts';
import { icpProcessor } from './icp/processor.ts';
import { freshLeadHandlers, newLeadHandlers } from './lead/http.ts';
import { discovery } from './lead/processor.ts';

export const service = defineService({
  name: 'discovery',
  schema: 'discovery',
  migrations: join(import.meta.dirname, '../migrations'),
  config,
  writes: [
    'LeadDiscovered',
    'LeadUpdated',
    'LeadDuplicated',
    'LeadRejected',
    'LeadMerged',
    'ConsentRecorded',
    'IcpCreated',
    'IcpUpdated',
    'IcpDeleted',
  ],
  errorCodes,
  build: ({ database, clock, applier, config: settings }, server) => {
    addServiceRoutes(server, newLeadRoutes, newLeadHandlers({ applier: applier(discovery), now: clock.now }), settings);
    addServiceRoutes(server, freshLeadRoutes, freshLeadHandlers(database), settings);
    addServiceRoutes(server, icpRoutes, icpHandlers({ database, applier: applier(icpProcessor) }), settings);
    return { processors: [batchProcessor(discovery, shellOptions(settings))] };
  },
});
