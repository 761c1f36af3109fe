// How long leads stay in each stage: read from the timelines of a sample, so that it is what a user sees.
import type { Api } from './api.ts';

interface Entry {
  readonly at: string;
  readonly event: string;
}

const stages: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['enrichment', ['LeadDiscovered'], ['LeadEnriched', 'LeadEnrichmentFailed']],
  ['scoring', ['LeadEnriched', 'LeadEnrichmentFailed'], ['LeadScored']],
  ['sending', ['LeadScored'], ['MessageSent', 'MessageFailed']],
  ['call tasks', ['LeadScored'], ['CallTaskCreated', 'CallTaskDeclined']],
];

export interface StageTime {
  readonly stage: string;
  readonly medianMs: number;
  readonly slowestMs: number;
}

export async function stageTimes(api: Api, sample: number): Promise<StageTime[]> {
  const { items } = await api.get<{ items: { id: string }[] }>(`/v1/leads?limit=${sample}`);
  const timelines = await Promise.all(
    items.map(async ({ id }) => (await api.get<{ items: Entry[] }>(`/v1/leads/${id}/timeline`)).items),
  );
  return stages
    .map(([stage, begins, ends]) => {
      const times = timelines
        .flatMap((timeline) => {
          const begin = timeline.find((entry) => begins.includes(entry.event));
          const end = timeline.find((entry) => ends.includes(entry.event));
          return begin === undefined || end === undefined ? [] : [Date.parse(end.at) - Date.parse(begin.at)];
        })
        .toSorted((a, b) => a - b);
      return { stage, medianMs: times[times.length >> 1] ?? 0, slowestMs: times.at(-1) ?? 0 };
    })
    .toSorted((a, b) => b.medianMs - a.medianMs);
}
