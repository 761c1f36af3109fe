/** The settings that follow from the table: five of each provider. */
import { z } from 'zod';
import type { Windows } from './define-adapter.ts';
import { table } from './table.ts';

type Env = (typeof table)[number]['env'];

const window = z.coerce.number().int().min(0).optional();

const settingsOf = ({ price }: { readonly price: number }) => ({
  API_KEY: z.string().optional().describe('Key; without it the provider is not configured.'),
  BASE_URL: z.url().optional().describe('Base address; the provider’s public one by default.'),
  PRICE_MICROS: z.coerce
    .number()
    .int()
    .min(0)
    .default(price)
    .describe('Price of a hit in millionths of a US dollar; the list price by default.'),
  PER_SECOND: window.describe('Most requests a second of all replicas; 0 = no limit; the documented one by default.'),
  PER_MINUTE: window.describe('Most requests a minute of all replicas; 0 = no limit; the documented one by default.'),
});

type Shape = ReturnType<typeof settingsOf>;
type ProviderShape = {
  [K in `${Env}_${keyof Shape}`]: K extends `${Env}_${infer S extends keyof Shape}` ? Shape[S] : never;
};

/** Part of the service's config. */
export const providerSettings = Object.fromEntries(
  table.flatMap((adapter) =>
    Object.entries(settingsOf(adapter)).map(([name, type]) => [`${adapter.env}_${name}`, type]),
  ),
  // fromEntries forgets the names, which come from the very table that the type comes from
) as ProviderShape;

export type ProviderSettings = { readonly [K in keyof ProviderShape]?: z.infer<ProviderShape[K]> | undefined };

export type AdapterSettings = {
  readonly apiKey: string | null;
  readonly baseUrl: string;
  readonly priceMicros: number;
  readonly windows: Windows;
};

/** What is set for one provider, with its own defaults filled in; a blank key is none. */
export function settingsFor(adapter: (typeof table)[number], settings: ProviderSettings): AdapterSettings {
  const { env } = adapter;
  const apiKey = settings[`${env}_API_KEY`]?.trim() ?? '';
  const documented: Windows = adapter.quota;
  const perSecond = settings[`${env}_PER_SECOND`] ?? documented.perSecond ?? 0;
  const perMinute = settings[`${env}_PER_MINUTE`] ?? documented.perMinute ?? 0;
  return {
    apiKey: apiKey === '' ? null : apiKey,
    baseUrl: settings[`${env}_BASE_URL`] ?? adapter.baseUrl,
    priceMicros: settings[`${env}_PRICE_MICROS`] ?? adapter.price,
    windows: { ...(perSecond > 0 ? { perSecond } : {}), ...(perMinute > 0 ? { perMinute } : {}) },
  };
}
