/** Analytics under the suite that every processor passes: the projection of five topics, the clocks, the archive of dead letters. */
import { join } from 'node:path';
import { platformOrg, systemClock } from '@lead-flood/kernel';
import { topics } from '@lead-flood/contracts';
import { toDeadLetter } from '@lead-flood/kafka';
import type { OutgoingRecord } from '@lead-flood/kafka';
import { batchProcessor, rawProcessor } from '@lead-flood/processor';
import type { TestEvent } from '@lead-flood/testing';
import { batchCrashPoints, conformance, sampleId, sampleOrg, testNow } from '@lead-flood/testing';
import { clocks, createClock } from '../src/clock.ts';
import { saveDeadLetters } from '../src/dead-letter-store.ts';
import { createFreshness } from '../src/freshness.ts';
import { createAnalytics } from '../src/processor.ts';
import { duplicate, fullStory, rejection } from './story.ts';

/** Versions count the events of a record key within its topic, as the writers do. */
const versioned = (events: readonly TestEvent[]): TestEvent[] =>
  events.map((event, i) => ({ ...event, id: sampleId(event.name, JSON.stringify(event.data)), version: i + 1 }));

/** The projection keeps what it has told (erasing is S12's); the event must be taken all the same. */
const erased = (leadId: string): TestEvent => ({
  name: 'LeadErased',
  data: { orgId: sampleOrg, leadId, erasedAt: testNow, reason: 'asked' },
});

const jobId = sampleId('upload');

const inputs = Array.from({ length: 5 }, (_, i) => i).flatMap((i): TestEvent[] => {
  const leadId = sampleId('projected', i);
  const [discovery = [], ...others] = fullStory(leadId);
  const again: TestEvent = {
    name: 'LeadDuplicated',
    data: { ...duplicate(leadId, jobId), submissionId: sampleId('third', i) },
  };
  const lists = [
    [...discovery, again, erased(leadId)],
    ...others,
    [{ name: 'LeadRejected', data: rejection(sampleId('refused', i), jobId) } satisfies TestEvent],
  ];
  return lists.flatMap(versioned);
});

const migrations = join(import.meta.dirname, '../migrations');

conformance({
  starter: batchProcessor(createAnalytics(createFreshness(systemClock))),
  schema: 'analytics',
  migrations,
  inputs,
  // It publishes nothing, so its relay never passes these.
  crashPoints: batchCrashPoints.filter((point) => !point.startsWith('kafka.') && !point.startsWith('relay.')),
});

conformance({
  starter: batchProcessor(createClock({ hotDays: 30, keptDays: 180 })),
  schema: 'analytics',
  migrations,
  inputs: clocks.flatMap(({ name: tick, everyMs }) =>
    Array.from({ length: 10 }, (_, i): TestEvent => {
      const period = Math.floor(testNow / everyMs) + i;
      const data = { orgId: platformOrg, tick, period, dueAt: period * everyMs };
      return { name: 'Ticked', id: sampleId(tick, period), version: period, data };
    }),
  ),
  crashPoints: batchCrashPoints.filter((point) => !point.startsWith('kafka.') && !point.startsWith('relay.')),
});

/** The archive of two groups' letters; one of five is no letter of ours, one has neither key nor value. */
const archived = [topics['scoring.dead-letter.v1'], topics['outreach.dead-letter.v1']];
const group = 'analytics-dead-letters';

const letters = archived.flatMap(({ name }) =>
  Array.from({ length: 15 }, (_, i): OutgoingRecord => {
    const record = {
      topic: 'scoring.lead.v1',
      partition: 0,
      offset: i,
      timestamp: testNow,
      key: Buffer.from(sampleId('letter', i % 5)),
      value: Buffer.from([i, 0xff]),
      headers: { 'org-id': sampleOrg },
    };
    const letter = toDeadLetter(record, {
      group: name.replace('.dead-letter.v1', ''),
      code: 'KFK_ERR_TRUNCATED',
      detail: '',
      step: 'decode',
      at: testNow,
    });
    const own = { ...letter, topic: name };
    return i % 5 === 3 ? { ...own, headers: {} } : i % 5 === 4 ? { ...own, value: null } : own;
  }),
);

conformance({
  starter: {
    ...rawProcessor({ group, topics: archived.map(({ name }) => name), save: saveDeadLetters }),
    processor: { reads: archived, writes: [] },
  },
  schema: 'analytics',
  migrations,
  inputs: letters,
  crashPoints: ['db.commit.before', 'db.commit.after', 'processor.told'],
  // Every record is a row of its own, named by its place: what is written again is another letter.
  repeatable: false,
  // The place in the topic and the broker's time, which differ from run to run.
  ignore: { dead_letters: ['id', 'at', 'offset'] },
});
