/**
 * How far behind the read model is, as this process sees it: the newest event that was applied, and how long the last
 * leads took from being handed in to being shown with their score. In memory, since it describes the present only.
 */
import type { Clock } from '@lead-flood/kernel';

const SCORED_KEPT = 2_000;

type Input = { readonly name: string; readonly publishedAt: number; readonly data: object };

export type Percentiles = { readonly p50: number; readonly p99: number };

export type Freshness = {
  /** A batch is about to be applied; one that is repeated is read again. */
  readonly read: (inputs: readonly Input[]) => void;
  /** The batch that was read last is written. */
  readonly applied: () => void;
  /** When the newest applied event was published; null until this process has applied one. */
  readonly lastEventAt: () => number | null;
  readonly projectionMs: () => Percentiles | null;
};

export function createFreshness(clock: Clock): Freshness {
  const ring: number[] = [];
  let place = 0;
  let lastEventAt: number | null = null;
  let reading: { newest: number; submitted: number[] } = { newest: 0, submitted: [] };
  return {
    read(inputs) {
      reading = { newest: 0, submitted: [] };
      for (const { name, publishedAt, data } of inputs) {
        reading.newest = Math.max(reading.newest, publishedAt);
        if (name === 'LeadScored' && 'submittedAt' in data && typeof data.submittedAt === 'number') {
          reading.submitted.push(data.submittedAt);
        }
      }
    },
    applied() {
      if (reading.newest > 0) lastEventAt = Math.max(lastEventAt ?? 0, reading.newest);
      for (const submittedAt of reading.submitted) {
        // Upstream clocks may be ahead of ours.
        ring[place] = Math.max(0, clock.now() - submittedAt);
        place = (place + 1) % SCORED_KEPT;
      }
      reading = { newest: 0, submitted: [] };
    },
    lastEventAt: () => lastEventAt,
    projectionMs() {
      if (ring.length === 0) return null;
      const sorted = ring.toSorted((a, b) => a - b);
      const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
      return { p50: at(0.5), p99: at(0.99) };
    },
  };
}
