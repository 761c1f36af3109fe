/** What the sandbox itself says it has refused, or taken without an answer that could be used, by provider. */
import { z } from 'zod';
import type { Product } from '@lead-flood/local';

const summary = z.object({
  providers: z.record(z.string(), z.object({ refused: z.int(), outcomes: z.record(z.string(), z.int()) })),
});

const UNUSABLE = ['lost', 'reset', 'garbage'];

export async function disturbedCalls({ sandbox }: Pick<Product, 'sandbox'>): Promise<ReadonlyMap<string, number>> {
  const { providers } = summary.parse(await (await fetch(`${sandbox}/_control/summary`)).json());
  return new Map(
    Object.entries(providers).map(([name, { refused, outcomes }]) => [
      name,
      UNUSABLE.reduce((sum, outcome) => sum + (outcomes[outcome] ?? 0), refused),
    ]),
  );
}

export const senders = ['mail', 'trengo'] as const;

export const sumOver = (counts: ReadonlyMap<string, number>, names: readonly string[]): number =>
  names.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
