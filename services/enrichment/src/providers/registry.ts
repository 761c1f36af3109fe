/** Which enrichment providers this deployment has: those with a key (EN-18), and the built-in one where it is switched on. */
import { createProvider } from '@lead-flood/provider';
import type { BreakerState, Provider, ProviderHooks, ProviderOptions } from '@lead-flood/provider';
import type { EnrichmentAdapter, ProviderName } from './adapter.ts';
import { createApollo } from './apollo.ts';
import { createFake } from './fake.ts';
import { createHunter } from './hunter.ts';
import { createPeopleDataLabs } from './people-data-labs.ts';

type Limits = Pick<
  ProviderOptions,
  'allowPrivate' | 'timeoutMs' | 'retries' | 'breaker' | 'concurrencyMax' | 'resolve'
>;

export type EnrichmentProvidersConfig = Limits & {
  /** No key, or a blank one: not configured. */
  readonly apolloApiKey?: string | undefined;
  readonly apolloBaseUrl?: string | undefined;
  readonly apolloPriceMicros?: number | undefined;
  readonly hunterApiKey?: string | undefined;
  readonly hunterBaseUrl?: string | undefined;
  readonly hunterPriceMicros?: number | undefined;
  readonly peopleDataLabsApiKey?: string | undefined;
  readonly peopleDataLabsBaseUrl?: string | undefined;
  readonly peopleDataLabsPriceMicros?: number | undefined;
  /** Absent: no built-in provider. */
  readonly fakeDelayMs?: number | undefined;
  /** A provider without an entry has no quota, and costs no round trip. */
  readonly quotas?: { readonly [N in Exclude<ProviderName, 'fake'>]?: NonNullable<ProviderOptions['quota']> };
};

export type EnrichmentProviders = {
  readonly adapters: readonly EnrichmentAdapter[];
  readonly notConfigured: readonly ProviderName[];
  readonly breakerStates: () => Readonly<Record<string, BreakerState>>;
  readonly stop: () => Promise<void>;
};

export function createEnrichmentProviders(
  config: EnrichmentProvidersConfig,
  hooks: ProviderHooks = {},
): EnrichmentProviders {
  const { allowPrivate, timeoutMs, retries, breaker, concurrencyMax, resolve } = config;
  const limits = withoutUndefined({ allowPrivate, timeoutMs, retries, breaker, concurrencyMax, resolve });
  const providers: Provider[] = [];
  const open = (
    name: Exclude<ProviderName, 'fake'>,
    baseUrl: string,
    extra: Partial<ProviderOptions> = {},
  ): Provider => {
    const quota = config.quotas?.[name];
    const provider = createProvider({
      name,
      baseUrl,
      ...limits,
      ...hooks,
      ...extra,
      ...(quota === undefined ? {} : { quota }),
    });
    providers.push(provider);
    return provider;
  };

  const adapters: EnrichmentAdapter[] = [];
  const notConfigured: ProviderName[] = [];
  const add = (name: ProviderName, key: string | undefined, create: (apiKey: string) => EnrichmentAdapter): void => {
    const apiKey = key?.trim() ?? '';
    if (apiKey === '') notConfigured.push(name);
    else adapters.push(create(apiKey));
  };
  add('apollo', config.apolloApiKey, (apiKey) =>
    createApollo(open('apollo', config.apolloBaseUrl ?? 'https://api.apollo.io'), {
      apiKey,
      priceMicros: config.apolloPriceMicros ?? 20_000,
    }),
  );
  add('hunter', config.hunterApiKey, (apiKey) =>
    createHunter(open('hunter', config.hunterBaseUrl ?? 'https://api.hunter.io', { rateLimitStatuses: [403, 429] }), {
      apiKey,
      priceMicros: config.hunterPriceMicros ?? 34_000,
    }),
  );
  add('peopledatalabs', config.peopleDataLabsApiKey, (apiKey) =>
    createPeopleDataLabs(open('peopledatalabs', config.peopleDataLabsBaseUrl ?? 'https://api.peopledatalabs.com'), {
      apiKey,
      priceMicros: config.peopleDataLabsPriceMicros ?? 280_000,
    }),
  );
  if (config.fakeDelayMs === undefined) notConfigured.push('fake');
  else adapters.push(createFake({ delayMs: config.fakeDelayMs }));

  return {
    adapters,
    notConfigured,
    breakerStates: () => Object.fromEntries(providers.map((provider) => [provider.name, provider.breakerState()])),
    async stop() {
      await Promise.all(providers.map((provider) => provider.stop()));
    },
  };
}

/** Absent and `undefined` mean the same in a config, but not to exactOptionalPropertyTypes. */
function withoutUndefined(limits: { readonly [K in keyof Limits]: Limits[K] | undefined }): Limits {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
