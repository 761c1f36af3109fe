/**
 * The same figures with one, two and three processes of every service that reads topics. On one machine they share the
 * cores that one had alone: what is seen is what replicas cost, and that nothing stands in each other's way.
 */
import { serviceNames } from '@lead-flood/local';
import type { Everything } from '@lead-flood/local';
import type { Figures, FiguresOptions } from './figures.ts';
import { runFigures, SEEDS_OF_FIGURES } from './figures.ts';

export type ReplicasResult = Figures & { readonly replicas: number };

export async function* runReplicas(
  everything: Everything,
  { firstSeed, perSecond, most }: FiguresOptions & { readonly most: number },
): AsyncGenerator<ReplicasResult> {
  const readers = serviceNames.filter((name) => name !== 'ingest-gateway');
  for (let replicas = 1; replicas <= most; replicas += 1) {
    if (replicas > 1) for (const name of readers) await everything.product.replica(name);
    const seed = firstSeed + replicas * SEEDS_OF_FIGURES;
    yield { replicas, ...(await runFigures(everything, { firstSeed: seed, perSecond })) };
  }
}
