/** How providers have done, kept in the database and remembered for a few seconds: the plan needs tendencies, not the last call. */
import { z } from 'zod';
import type { Database, Queries } from '@lead-flood/postgres';
import { numbers, sql, texts } from '@lead-flood/postgres';
import type { Attempt, ProviderFacts } from './domain/finding.ts';

const REFRESH_MS = 5_000;
const row = z.object({ provider: z.string(), asked: z.int(), hits: z.int() });

export type Statistics = { readonly facts: (name: string) => ProviderFacts; readonly stop: () => void };

export function createStatistics(
  database: Database,
  prices: Readonly<Record<string, number>>,
  onError: (error: unknown) => void,
): Statistics {
  let known = new Map<string, { asked: number; hits: number }>();
  const refresh = async (): Promise<void> => {
    const rows = await database.any(sql.type(row)`select provider, asked, hits from provider_statistics`);
    known = new Map(rows.map((r) => [r.provider, { asked: r.asked, hits: r.hits }]));
  };
  // Old figures are as good as none; the next round will tell.
  const timer = setInterval(() => void refresh().catch(onError), REFRESH_MS);
  void refresh().catch(onError);
  return {
    facts: (name) => ({ name, priceMicros: prices[name] ?? 0, ...(known.get(name) ?? { asked: 0, hits: 0 }) }),
    stop: () => {
      clearInterval(timer);
    },
  };
}

/** Adds the attempts of a batch, in the transaction that decides their leads. */
export async function countAttempts(tx: Queries, attempts: readonly Attempt[]): Promise<void> {
  const groups = [...Map.groupBy(attempts, (attempt) => attempt.provider)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (groups.length === 0) return;
  const count = (list: readonly Attempt[], test: (attempt: Attempt) => boolean): number => list.filter(test).length;
  await tx.query(sql.unsafe`
    insert into provider_statistics (provider, asked, hits, verified, cost_micros)
    select * from unnest(
      ${texts(groups.map(([provider]) => provider))}::text[],
      ${numbers(groups.map(([, list]) => list.length))}::bigint[],
      ${numbers(groups.map(([, list]) => count(list, (a) => a.status === 'hit')))}::bigint[],
      ${numbers(groups.map(([, list]) => count(list, (a) => (a.confidence ?? 0) >= 0.7)))}::bigint[],
      ${numbers(groups.map(([, list]) => list.reduce((sum, a) => sum + a.costMicros, 0)))}::bigint[]
    )
    on conflict (provider) do update set
      asked = provider_statistics.asked + excluded.asked, hits = provider_statistics.hits + excluded.hits,
      verified = provider_statistics.verified + excluded.verified, cost_micros = provider_statistics.cost_micros + excluded.cost_micros
  `);
}
