/**
 * How far behind the read model is, as this process sees it: the newest event that was applied, and how long the last
 * leads took from being handed in to being shown with their score. In memory, since it describes the present only.
 */
import type { Clock } from '@lead-flood/kernel';

const SCORED_KEPT = 2_000;

type Input = { readonly name: string; readonly publishedAt: number; readonly data: object };

export type Percentiles = { readonly p50: number; readonly p99: number };

export type Freshness = {
  /** These are written. */
  readonly applied: (inputs: readonly Input[]) => void;
  /** When the newest applied event was published; null until this process has applied one. */
  readonly lastEventAt: () => number | null;
  readonly projectionMs: () => Percentiles | null;
};

export function createFreshness(clock: Clock): Freshness {
  const ring: number[] = [];
  let place = 0;
  let lastEventAt: number | null = null;
  return {
    applied(inputs) {
      for (const { name, publishedAt, data } of inputs) {
        lastEventAt = Math.max(lastEventAt ?? 0, publishedAt);
        if (name !== 'LeadScored' || !('submittedAt' in data) || typeof data.submittedAt !== 'number') continue;
        // Upstream clocks may be ahead of ours.
        ring[place] = Math.max(0, clock.now() - data.submittedAt);
        place = (place + 1) % SCORED_KEPT;
      }
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
