/** Which enrichment providers this deployment has: those with a key (EN-18), and the built-in one where it is switched on. */
import { createHash } from 'node:crypto';
import { createProvider } from '@lead-flood/provider';
import type { BreakerState, Provider, ProviderHooks, ProviderOptions, Redis } from '@lead-flood/provider';
import type { EnrichmentAdapter } from './adapter.ts';
import { createFake } from './fake.ts';
import { createRefusalReader, openAdapter } from './open-adapter.ts';
import type { ProviderSettings } from './settings.ts';
import { settingsFor } from './settings.ts';
import type { ProviderName } from './table.ts';
import { table } from './table.ts';

export type Limits = Pick<
  ProviderOptions,
  'allowPrivate' | 'timeoutMs' | 'retries' | 'breaker' | 'concurrencyMax' | 'resolve'
>;

/** How the replicas share each provider's windows. */
export type Sharing = {
  /** `null`: each replica keeps to its share. */
  readonly redis: Redis | null;
  readonly replicas: number;
  /** Longest wait for a window to open within a call. */
  readonly waitMsMax: number;
  readonly onShared?: (provider: string, shared: boolean) => void;
};

export const alone: Sharing = { redis: null, replicas: 1, waitMsMax: 1_000 };

export type EnrichmentProvidersOptions = {
  readonly settings: ProviderSettings;
  readonly limits?: Limits;
  readonly sharing?: Sharing;
  /** Absent: no built-in provider. */
  readonly fakeDelayMs?: number | undefined;
  readonly hooks?: ProviderHooks;
};

export type EnrichmentProviders = {
  readonly adapters: readonly EnrichmentAdapter[];
  readonly notConfigured: readonly ProviderName[];
  /** Of a hit, millionths of a US dollar. */
  readonly prices: Readonly<Record<string, number>>;
  readonly breakerStates: () => Readonly<Record<string, BreakerState>>;
  readonly stop: () => Promise<void>;
};

export function createEnrichmentProviders(options: EnrichmentProvidersOptions): EnrichmentProviders {
  const { settings, limits = {}, sharing = alone, fakeDelayMs, hooks = {} } = options;
  const providers: Provider[] = [];
  const adapters: EnrichmentAdapter[] = [];
  const notConfigured: ProviderName[] = [];
  const prices: Record<string, number> = {};
  for (const each of table) {
    const { apiKey, baseUrl, priceMicros, windows } = settingsFor(each, settings);
    prices[each.name] = priceMicros;
    if (apiKey === null) {
      notConfigured.push(each.name);
      continue;
    }
    adapters.push(
      each.use((definition) => {
        const provider = createProvider({
          name: each.name,
          baseUrl,
          ...limits,
          ...hooks,
          readRefusal: createRefusalReader(definition),
          quota: {
            ...windows,
            account: accountOf(apiKey),
            redis: sharing.redis,
            replicas: sharing.replicas,
            waitMsMax: sharing.waitMsMax,
            onShared: (shared) => sharing.onShared?.(each.name, shared),
          },
        });
        providers.push(provider);
        return openAdapter(definition, each.name, provider, { apiKey, priceMicros });
      }),
    );
  }
  if (fakeDelayMs === undefined) notConfigured.push('fake');
  else adapters.push(createFake({ delayMs: fakeDelayMs }));

  return {
    adapters,
    notConfigured,
    prices,
    breakerStates: () => Object.fromEntries(providers.map((provider) => [provider.name, provider.breakerState()])),
    async stop() {
      await Promise.all(providers.map((provider) => provider.stop()));
    },
  };
}

/** Providers count by account, so two deployments with one key share its windows, and two keys have their own. */
const accountOf = (apiKey: string): string => createHash('sha256').update(apiKey).digest('hex').slice(0, 12);
