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
import { config, retriesOf } from './config.ts';
import { errorCodes } from './errors.ts';
import { createProviderMetrics } from './metrics.ts';
import { createEnrichment } from './processor.ts';
import { createEnrichmentProviders } from './providers/registry.ts';
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
    const prices = {
      apollo: settings.APOLLO_PRICE_MICROS,
      hunter: settings.HUNTER_PRICE_MICROS,
      peopledatalabs: settings.PEOPLEDATALABS_PRICE_MICROS,
    };
    const hooks = createProviderMetrics(metrics);
    const providers = createEnrichmentProviders(
      {
        allowPrivate: settings.ENRICHMENT_PRIVATE_PROVIDERS,
        timeoutMs: settings.ENRICHMENT_TIMEOUT_MS,
        retries: retriesOf(settings),
        breaker: { resetMs: settings.ENRICHMENT_BREAKER_RESET_MS },
        apolloApiKey: settings.APOLLO_API_KEY,
        apolloBaseUrl: settings.APOLLO_BASE_URL,
        apolloPriceMicros: prices.apollo,
        hunterApiKey: settings.HUNTER_API_KEY,
        hunterBaseUrl: settings.HUNTER_BASE_URL,
        hunterPriceMicros: prices.hunter,
        peopleDataLabsApiKey: settings.PEOPLEDATALABS_API_KEY,
        peopleDataLabsBaseUrl: settings.PEOPLEDATALABS_BASE_URL,
        peopleDataLabsPriceMicros: prices.peopledatalabs,
        fakeDelayMs: settings.ENRICHMENT_FAKE_DELAY_MS,
      },
      {
        onAttempt: hooks.onAttempt,
        onBreaker: (provider, state) => {
          hooks.onBreaker(provider, state);
          log.warn({ provider, state }, 'breaker');
        },
      },
    );
    if (providers.notConfigured.length > 0)
      log.info({ reason: providers.notConfigured.join(', ') }, 'providers without a key');
    const statistics = createStatistics(database, prices, (error) => {
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
