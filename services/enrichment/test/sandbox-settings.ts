/** Every provider of the table as the sandbox plays it: its key, its address, and no windows, which only some tests are about. */
import { config } from '../src/config.ts';
import { table } from '../src/providers/table.ts';
import type { EnrichmentSettings } from '../src/providers/open.ts';

/** Where the sandbox's name differs from ours. */
const played: Readonly<Record<string, string>> = { peopledatalabs: 'pdl' };

export const sandboxName = (provider: string): string => played[provider] ?? provider;

export const sandboxEnv = (httpUrl: string, env: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  ENRICHMENT_PRIVATE_PROVIDERS: 'true',
  ...Object.fromEntries(
    table.flatMap((adapter) => [
      [`${adapter.env}_API_KEY`, 'k'],
      [`${adapter.env}_BASE_URL`, `${httpUrl}/${sandboxName(adapter.name)}`],
      [`${adapter.env}_PER_SECOND`, '0'],
      [`${adapter.env}_PER_MINUTE`, '0'],
    ]),
  ),
  ...env,
});

export const sandboxSettings = (httpUrl: string, env: Readonly<Record<string, string>> = {}): EnrichmentSettings =>
  config.parse(sandboxEnv(httpUrl, env));
