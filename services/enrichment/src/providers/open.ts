/** The providers as the service runs them: its own settings, one Redis for the windows of all replicas. */
import { createRedis } from '@lead-flood/provider';
import type { ProviderHooks } from '@lead-flood/provider';
import type { z } from 'zod';
import type { config } from '../config.ts';
import type { EnrichmentProviders } from './registry.ts';
import { createEnrichmentProviders } from './registry.ts';

export type EnrichmentSettings = z.infer<typeof config>;

type Log = {
  readonly [L in 'info' | 'warn']: (fields: Readonly<Record<string, string>>, message: string) => void;
};

export function openProviders(settings: EnrichmentSettings, log: Log, hooks: ProviderHooks = {}): EnrichmentProviders {
  const redis =
    settings.REDIS_URL === undefined
      ? null
      : createRedis(settings.REDIS_URL, ({ level, message }) => log[level]({ what: 'redis' }, message));
  const providers = createEnrichmentProviders({
    settings,
    limits: {
      allowPrivate: settings.ENRICHMENT_PRIVATE_PROVIDERS,
      timeoutMs: settings.ENRICHMENT_TIMEOUT_MS,
      retries: retriesOf(settings),
      breaker: { resetMs: settings.ENRICHMENT_BREAKER_RESET_MS },
    },
    sharing: {
      redis,
      replicas: settings.ENRICHMENT_REPLICAS,
      waitMsMax: settings.ENRICHMENT_QUOTA_WAIT_MS,
      onShared: (provider, shared) => {
        log[shared ? 'info' : 'warn']({ provider }, shared ? 'quota is shared again' : 'quota is a local share');
      },
    },
    fakeDelayMs: settings.ENRICHMENT_FAKE_DELAY_MS,
    hooks,
  });
  return {
    ...providers,
    async stop() {
      await providers.stop();
      redis?.disconnect();
    },
  };
}

type RetrySettings = Pick<EnrichmentSettings, 'ENRICHMENT_RETRIES_MAX' | 'ENRICHMENT_RETRY_BASE_MS'>;

/** The waits double and are never capped below the last one. */
export const retriesOf = ({ ENRICHMENT_RETRIES_MAX: retriesMax, ENRICHMENT_RETRY_BASE_MS: baseMs }: RetrySettings) => ({
  retriesMax,
  baseMs,
  capMs: baseMs * 2 ** retriesMax,
});
