/**
 * What somebody must be able to see of a fault afterwards (I12): a line in the log of the service that was hit, or something
 * that it counts. Lines are looked for by the invariant, counts here, once the line is at rest.
 */
import type { ServiceName } from '@lead-flood/local';

/** Of any service where none is named. */
export type Line = { readonly service: ServiceName | null; readonly shows: string };

export type Sign = { readonly what: string; readonly seen: () => Promise<boolean> };

export type Signs = {
  readonly lines: Line[];
  readonly others: Sign[];
  /** Why a variant cannot be seen anywhere, for the output. */
  readonly hidden: string[];
};

export const noSigns = (): Signs => ({ lines: [], others: [], hidden: [] });

/** What is missing; a fault that names nothing at all is itself a mistake of the catalogue. */
export async function unseen({ lines, others, hidden }: Signs): Promise<string[]> {
  const missing: string[] = [];
  for (const { what, seen } of others) if (!(await seen())) missing.push(`cannot be seen: ${what}`);
  if (lines.length + others.length + hidden.length === 0) missing.push('names nothing by which it could be seen');
  return missing;
}

/** The sum of all series of a page of metrics that match: those of one name, by their labels. */
export function sumOf(page: string, series: RegExp): number {
  return page
    .split('\n')
    .filter((line) => !line.startsWith('#') && series.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

export const askMetrics = async (url: string): Promise<string> => (await fetch(`${url}/metrics`)).text();

/** A service counts something now, and at least so many more afterwards. Its process must live on meanwhile. */
export async function counting(
  { service, metrics }: { readonly service: string; readonly metrics: () => Promise<string> },
  series: RegExp,
  more = 1,
): Promise<Sign> {
  const before = sumOf(await metrics(), series);
  return {
    what: `${service} has not counted ${more} more of ${series.source}`,
    seen: async () => sumOf(await metrics(), series) - before >= more,
  };
}
