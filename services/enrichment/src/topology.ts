/**
 * Enrichment at a glance.
 *
 *   discovery.lead.v1 ──▶ enrichment ──▶ enrichment.lead.v1
 *     LeadDiscovered        │ │ │           LeadEnriched | LeadEnrichmentFailed
 *                           ▼ ▼ ▼
 *                 Apollo, Hunter, People Data Labs   (journalled; redelivered through enrichment.timer.v1)
 */
import { join } from 'node:path';
import { effectProcessor } from '@lead-flood/processor';
import { defineService, logError } from '@lead-flood/service';
import { config } from './config.ts';
import { errorCodes } from './errors.ts';
import { createProviderMetrics } from './metrics.ts';
import { createEnrichment } from './processor.ts';
import { openProviders } from './providers/open.ts';
import { createStatistics } from './statistics.ts';
import { createWaterfall } from './waterfall.ts';

export const service = defineService({
  name: 'enrichment',
  schema: 'enrichment',
  migrations: join(import.meta.dirname, '../migrations'),
  config,
  writes: ['LeadEnriched', 'LeadEnrichmentFailed'],
  errorCodes,
  build: ({ config: settings, database, clock, log, metrics }) => {
    const hooks = createProviderMetrics(metrics);
    const providers = openProviders(settings, log, {
      onAttempt: hooks.onAttempt,
      onBreaker: (provider, state) => {
        hooks.onBreaker(provider, state);
        log.warn({ provider, state }, 'breaker');
      },
    });
    if (providers.notConfigured.length > 0)
      log.info({ reason: providers.notConfigured.join(', ') }, 'providers without a key');
    const statistics = createStatistics(database, providers.prices, (error) => {
      log.warn({ err: logError(error) }, 'provider statistics');
    });
    const waterfall = createWaterfall({
      adapters: providers.adapters,
      policy: settings.ENRICHMENT_POLICY,
      budgetMicros: settings.ENRICHMENT_BUDGET_MICROS,
      facts: statistics.facts,
      now: clock.now,
    });
    const processor = createEnrichment(waterfall, {
      inFlightMax: settings.ENRICHMENT_IN_FLIGHT_MAX,
      deadlineMs: settings.ENRICHMENT_DEADLINE_MS,
    });
    return {
      processors: [effectProcessor(processor)],
      breakers: providers.breakerStates,
      stop: async () => {
        statistics.stop();
        await providers.stop();
      },
    };
  },
});
