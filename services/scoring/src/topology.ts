/**
 * Scoring at a glance.
 *
 *   enrichment.lead.v1 ──▶ scoring ──▶ scoring.lead.v1
 *      LeadEnriched                      LeadScored (value, band, reasons)
 *      LeadEnrichmentFailed
 */
import { join } from 'node:path';
import { ruleRoutes } from '@lead-flood/contracts';
import { batchProcessor } from '@lead-flood/processor';
import { addServiceRoutes, defineService, shellOptions } from '@lead-flood/service';
import { config } from './config.ts';
import { errorCodes } from './errors.ts';
import { handlers } from './http.ts';
import { scoring } from './processor.ts';

export const service = defineService({
  name: 'scoring',
  schema: 'scoring',
  migrations: join(import.meta.dirname, '../migrations'),
  config,
  writes: ['LeadScored'],
  errorCodes,
  build: (deps, server) => {
    addServiceRoutes(server, ruleRoutes, handlers(deps.database), deps.config);
    return { processors: [batchProcessor(scoring, shellOptions(deps.config))] };
  },
});
