/** What analytics is fed with where it is broken: whole stories of leads, and the letters of two groups. */
import { join } from 'node:path';
import { topics } from '@lead-flood/contracts';
import { toDeadLetter } from '@lead-flood/kafka';
import type { OutgoingRecord } from '@lead-flood/kafka';
import { platformOrg } from '@lead-flood/kernel';
import type { TestEvent } from '@lead-flood/testing';
import { sampleId, sampleOrg, samplePerson, testNow } from '@lead-flood/testing';
import { clocks } from '../src/clock.ts';
import { duplicate, fullStory, rejection } from './story.ts';

/** Versions count the events of a record key within its topic, as the writers do. */
const versioned = (events: readonly TestEvent[]): TestEvent[] =>
  events.map((event, i) => ({ ...event, id: sampleId(event.name, JSON.stringify(event.data)), version: i + 1 }));

/** The projection keeps what it has told (erasing is S12's); the event must be taken all the same. */
const erased = (leadId: string): TestEvent => ({
  name: 'LeadErased',
  data: { orgId: sampleOrg, leadId, erasedAt: testNow, reason: 'asked' },
});

const consented = (leadId: string): TestEvent => ({
  name: 'ConsentRecorded',
  data: {
    orgId: sampleOrg,
    leadId,
    person: samplePerson(),
    basis: 'customer',
    note: null,
    source: 'crm',
    refuses: false,
    givenAt: testNow,
  },
});

const jobId = sampleId('upload');

export const at = { schema: 'analytics', migrations: join(import.meta.dirname, '../migrations') };

export const inputs = Array.from({ length: 5 }, (_, i) => i).flatMap((i): TestEvent[] => {
  const leadId = sampleId('projected', i);
  const [discovery = [], ...others] = fullStory(leadId);
  const again: TestEvent = {
    name: 'LeadDuplicated',
    data: { ...duplicate(leadId, jobId), submissionId: sampleId('third', i) },
  };
  const lists = [
    [...discovery, again, consented(leadId), erased(leadId)],
    ...others,
    [{ name: 'LeadRejected', data: rejection(sampleId('refused', i), jobId) } satisfies TestEvent],
  ];
  return lists.flatMap(versioned);
});

/** Ten ticks of each clock. */
export const ticks = clocks.flatMap(({ name: tick, everyMs }) =>
  Array.from({ length: 10 }, (_, i): TestEvent => {
    const period = Math.floor(testNow / everyMs) + i;
    const data = { orgId: platformOrg, tick, period, dueAt: period * everyMs };
    return { name: 'Ticked', id: sampleId(tick, period), version: period, data };
  }),
);

/** The archive of two groups' letters; one of five is no letter of ours, one has neither key nor value. */
export const archived = [topics['scoring.dead-letter.v1'], topics['outreach.dead-letter.v1']];
/** The place in the topic and the broker's time, which differ from run to run. */
export const ignoreOfLetters = { dead_letters: ['id', 'at', 'offset'] };

export const letters = archived.flatMap(({ name }) =>
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
