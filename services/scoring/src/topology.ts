/**
 * Scoring at a glance.
 *
 *   enrichment.lead.v1 ──▶ scoring ──▶ scoring.lead.v1
 *      LeadEnriched                      LeadScored (value, band, reasons)
 *      LeadEnrichmentFailed
 *
 *   discovery.icp.v1 ─────▶ scoring-rules ──▶ scoring.rule.v1
 *      IcpCreated | Updated | Deleted ▲         RuleAdded | RuleReplaced | RuleRemoved
 *   /v1/icps/:icpId/rules ────────────┘
 */
import { join } from 'node:path';
import { ruleRoutes } from '@lead-flood/contracts';
import { batchProcessor } from '@lead-flood/processor';
import { addServiceRoutes, defineService, shellOptions } from '@lead-flood/service';
import { config } from './config.ts';
import { errorCodes } from './errors.ts';
import { scoring } from './lead-score/processor.ts';
import { ruleHandlers } from './rule-set/http.ts';
import { ruleProcessor } from './rule-set/processor.ts';

export const service = defineService({
  name: 'scoring',
  schema: 'scoring',
  migrations: join(import.meta.dirname, '../migrations'),
  config,
  writes: ['LeadScored', 'RuleAdded', 'RuleReplaced', 'RuleRemoved'],
  errorCodes,
  build: ({ config: settings, database, applier }, server) => {
    addServiceRoutes(server, ruleRoutes, ruleHandlers({ database, applier: applier(ruleProcessor) }), settings);
    return {
      processors: [
        batchProcessor(scoring, shellOptions(settings)),
        batchProcessor(ruleProcessor, shellOptions(settings)),
      ],
    };
  },
});
