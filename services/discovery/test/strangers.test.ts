/**
 * Writers that are not ours choose their own message ids, and choose badly. What two organisations, or two contents, call
 * by the same id are two submissions; only the same content of the same organisation is a repeat.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchProcessor } from '@lead-flood/processor';
import type { Line, TestEvent } from '@lead-flood/testing';
import { createLine, sampleId, samplePerson, sampleSubmitted } from '@lead-flood/testing';
import { discovery } from '../src/lead/processor.ts';

let line: Line;
beforeAll(async () => {
  line = await createLine(batchProcessor(discovery), {
    schema: 'discovery',
    migrations: join(import.meta.dirname, '../migrations'),
  });
  await line.start();
});
afterAll(() => line.close());

/** All under one message id and one record key, without an id of the source's own. */
const submission = (orgId: string, name: string): TestEvent => ({
  name: 'LeadSubmitted',
  id: sampleId('message 1'),
  key: 'record',
  data: sampleSubmitted({
    orgId,
    externalId: null,
    person: samplePerson({ email: `${name}@aurora.se.example`, phone: null, linkedinUrl: null }),
  }),
});

it('tells apart what two organisations or two contents call by the same message id', async () => {
  const [one, other] = [sampleId('one org'), sampleId('other org')];
  await line.publish(submission(one, 'ada'), submission(other, 'ada'), submission(one, 'bea'), submission(one, 'ada'));
  await line.caughtUp();
  const events = await line.events('discovery.lead.v1');
  const found = events.map(({ name, data }) => `${name} ${(data as { orgId: string }).orgId}`);
  expect(found.toSorted()).toEqual(
    [`LeadDiscovered ${one}`, `LeadDiscovered ${other}`, `LeadDiscovered ${one}`].toSorted(),
  );
  const submissions = events.map(({ data }) => (data as { submissionId: string }).submissionId);
  expect(new Set(submissions).size).toBe(3);
});

it('does not take a header of a stranger for our count of versions', async () => {
  const org = sampleId('an org with versions of its own');
  // One person and two contents, so that both reach one lead.
  const [first, second] = ['dora', 'dora.b'].map((name): TestEvent => {
    const person = samplePerson({ email: `${name}@aurora.se.example`, phone: '+46701234567', linkedinUrl: null });
    const data = sampleSubmitted({ orgId: org, externalId: null, person });
    return { name: 'LeadSubmitted', key: 'record', version: 1, data };
  });
  if (first === undefined || second === undefined) throw new Error('two submissions');
  await line.publish(first);
  await line.publish(second);
  await line.caughtUp();
  const events = await line.events('discovery.lead.v1');
  expect(events.flatMap(({ name, data }) => ((data as { orgId: string }).orgId === org ? [name] : []))).toEqual([
    'LeadDiscovered',
    'LeadDuplicated',
  ]);
  expect(line.outcomes.get('duplicate:version')).toBeUndefined();
});

it.each([
  ['crm/eu', '7', 'crm', 'eu/7'],
  ['crm/eu', '7', '["crm', 'eu","7"]'],
  ['["crm/eu","7"]', 'x', '["crm', 'eu","7"]/x'],
])('does not take %s and %s for %s and %s', async (source, externalId, otherSource, otherId) => {
  const org = sampleId(`${source} ${otherSource}`);
  const submit = (name: string, from: { source: string; externalId: string }): TestEvent => {
    const person = samplePerson({ email: `${name}@aurora.se.example`, phone: null, linkedinUrl: null });
    return { name: 'LeadSubmitted', key: name, data: sampleSubmitted({ orgId: org, person, ...from }) };
  };
  const first = submit('finn', { source, externalId });
  await line.publish(first, submit('gerd', { source: otherSource, externalId: otherId }), first);
  await line.caughtUp();
  const found = (await line.events('discovery.lead.v1')).filter(
    ({ data }) => (data as { orgId: string }).orgId === org,
  );
  expect(found.map(({ name }) => name)).toEqual(['LeadDiscovered', 'LeadDiscovered']);
});
