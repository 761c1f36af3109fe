/** Analytics under the suite that every processor passes, with the events of all five topics. */
import { join } from 'node:path';
import { systemClock } from '@lead-flood/kernel';
import { batchProcessor } from '@lead-flood/processor';
import type { TestEvent } from '@lead-flood/testing';
import { batchCrashPoints, conformance, sampleId } from '@lead-flood/testing';
import { createFreshness } from '../src/freshness.ts';
import { createAnalytics } from '../src/processor.ts';
import { duplicate, fullStory, rejection } from './story.ts';

/** Versions count the events of a record key within its topic, as the writers do. */
const versioned = (events: readonly TestEvent[]): TestEvent[] =>
  events.map((event, i) => ({ ...event, id: sampleId(event.name, JSON.stringify(event.data)), version: i + 1 }));

const jobId = sampleId('upload');

const inputs = Array.from({ length: 5 }, (_, i) => i).flatMap((i): TestEvent[] => {
  const leadId = sampleId('projected', i);
  const [discovery = [], ...others] = fullStory(leadId);
  const again: TestEvent = {
    name: 'LeadDuplicated',
    data: { ...duplicate(leadId, jobId), submissionId: sampleId('third', i) },
  };
  const lists = [
    [...discovery, again],
    ...others,
    [{ name: 'LeadRejected', data: rejection(sampleId('refused', i), jobId) } satisfies TestEvent],
  ];
  return lists.flatMap(versioned);
});

conformance({
  starter: batchProcessor(createAnalytics(createFreshness(systemClock))),
  schema: 'analytics',
  migrations: join(import.meta.dirname, '../migrations'),
  inputs,
  // It publishes nothing, so its relay never passes these.
  crashPoints: batchCrashPoints.filter((point) => !point.startsWith('kafka.') && !point.startsWith('relay.')),
});
