/** Which providers are there, how they are asked, and what a lead may cost. */
import { z } from 'zod';
import { providerSettings } from './providers/settings.ts';

export const config = z.object({
  ENRICHMENT_POLICY: z
    .enum(['parallel', 'sequential'])
    .default('sequential')
    .describe('parallel: five at once; sequential: the cheapest expected cost first.'),
  ENRICHMENT_BUDGET_MICROS: z.coerce
    .number()
    .int()
    .min(0)
    .default(1_000_000)
    .describe('Most that one lead may cost, millionths of a US dollar.'),
  ENRICHMENT_IN_FLIGHT_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(2_000)
    .default(128)
    .describe('Leads that may be with providers at once.'),
  ENRICHMENT_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(100)
    .default(10_000)
    .describe('Most milliseconds of one provider call (EN-15).'),
  ENRICHMENT_RETRIES_MAX: z.coerce
    .number()
    .int()
    .min(0)
    .max(10)
    .default(3)
    .describe('Tries of one provider call after the first one (EN-15).'),
  ENRICHMENT_RETRY_BASE_MS: z.coerce
    .number()
    .int()
    .min(1)
    .default(2_000)
    .describe('Longest wait before the second try, milliseconds; it doubles with every further one.'),
  ENRICHMENT_DEADLINE_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .default(30_000)
    .describe('Most milliseconds of one lead over all providers.'),
  ENRICHMENT_BREAKER_RESET_MS: z.coerce
    .number()
    .int()
    .min(100)
    .default(10_000)
    .describe('After so many milliseconds an open breaker lets one call through.'),
  ENRICHMENT_PRIVATE_PROVIDERS: z
    .stringbool()
    .default(false)
    .describe('Whether providers may live at private addresses (the sandbox does).'),
  ENRICHMENT_FAKE_DELAY_MS: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Switches the built-in fake provider on (EN-02); how long it sleeps.'),
  REDIS_URL: z.string().optional().describe('Shares provider quotas between replicas; a local share without it.'),
  ENRICHMENT_REPLICAS: z.coerce
    .number()
    .int()
    .min(1)
    .default(1)
    .describe('Replicas of this service; each keeps to its share of a provider’s windows while Redis is away.'),
  ENRICHMENT_QUOTA_WAIT_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(15_000)
    .describe('Most milliseconds that a lead waits for a provider’s window; a longer wait brings it back later.'),
  ...providerSettings,
});
