/** The funnel's sums, and how old the read model says it is. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { funnelRoutes } from '@lead-flood/contracts';
import { fixedClock } from '@lead-flood/kernel';
import { sampleDiscovered, sampleId, sampleOrg, sampleScored, testNow } from '@lead-flood/testing';
import { saveDeadLetters } from '../src/dead-letter-store.ts';
import { createFreshness } from '../src/freshness.ts';
import type { Doors } from './harness.ts';
import { openDoors } from './harness.ts';
import { at, fullStory, message, rejection } from './story.ts';

let doors: Doors;
beforeEach(async () => {
  doors = await openDoors();
});
afterEach(async () => {
  await doors.stop();
});

const letter = (offset: number, headers: Readonly<Record<string, string>>) => ({
  topic: 'discovery.dead-letter.v1',
  partition: 0,
  offset,
  timestamp: at(0),
  key: null,
  value: Buffer.from('{"json":true}'),
  headers: {
    'dead-letter-topic': 'ingest.lead.v1',
    'dead-letter-group': 'discovery',
    'dead-letter-code': 'KFK_ERR_NOT_AVRO',
    'dead-letter-step': 'decode',
    ...headers,
  },
});

it('[AN-01] counts every stage; what was submitted has an outcome or is a dead letter', async () => {
  await doors.apply(
    ...fullStory(sampleId('lead', 1)).flat(),
    ...fullStory(sampleId('lead', 2)).flat(),
    { name: 'LeadDiscovered', data: sampleDiscovered({ leadId: sampleId('lead', 3), source: 'csv' }) },
    { name: 'LeadRejected', data: rejection(sampleId('refused')) },
  );
  await saveDeadLetters(doors.database, [
    letter(1, { 'org-id': sampleOrg }),
    letter(2, {}),
    letter(3, { 'org-id': sampleId('another org') }),
  ]);
  const ask = (query: string, role = 'member') =>
    doors.answerOf(funnelRoutes.funnel, `/v1/analytics/funnel${query}`, { role });
  expect(await ask('')).toEqual({
    steps: [
      { step: 'discovered', leads: 3 },
      { step: 'enriched', leads: 2 },
      { step: 'scored', leads: 2 },
      { step: 'approached', leads: 2 },
      { step: 'answered', leads: 2 },
    ],
    submitted: 9,
    outcomes: { discovered: 3, updated: 2, duplicated: 2, rejected: 1 },
    enrichment: { enriched: 2, failed: 0, costMicros: 16_000 },
    scoring: { scored: 2, high: 2, medium: 0, low: 0 },
    outreach: {
      messagesSent: 2,
      messagesFailed: 2,
      messagesWithheld: 0,
      leadsContacted: 2,
      replies: 2,
      notContacted: {},
    },
    calls: {
      tasksCreated: 4,
      tasksDeclined: { band_low: 2 },
      outcomes: { INTERESTED_SIGNUP_LINK_SENT: 2, RETRYABLE_REJECTION: 2 },
    },
    deadLetters: { discovery: 1 },
    providers: [
      { provider: 'apollo', attempts: 4, hits: 0, verifiedEmails: 0, costMicros: 0 },
      { provider: 'hunter', attempts: 4, hits: 4, verifiedEmails: 4, costMicros: 16_000 },
    ],
  });
  expect(await ask('', 'admin')).toMatchObject({ submitted: 10, deadLetters: { discovery: 2 } });
  expect(await ask('?source=csv')).toMatchObject({
    submitted: 2,
    outcomes: { discovered: 1, rejected: 1 },
    enrichment: { enriched: 0 },
  });
  const from = encodeURIComponent(new Date(at(60_000)).toISOString());
  expect(await ask(`?createdFrom=${from}`)).toMatchObject({ submitted: 0, providers: [], deadLetters: {} });
});

it('[AN-01] freshness tells the newest applied event and how long the last leads took', async () => {
  const ask = () => doors.answerOf(funnelRoutes.freshness, '/v1/analytics/freshness');
  expect(await ask()).toEqual({ lastEventAt: null, ageMs: null, projectionMs: null });
  await doors.apply({ name: 'LeadScored', data: sampleScored({ submittedAt: testNow - 120 }) });
  expect(await ask()).toEqual({
    lastEventAt: new Date(testNow).toISOString(),
    ageMs: 0,
    projectionMs: { p50: 120, p99: 120 },
  });
});

it('[AN-01] a step that an answer has made superfluous is withheld and has not failed', async () => {
  const leadId = sampleId('lead', 1);
  const fate = (stepNumber: number, outcome: string) =>
    ({
      name: 'MessageFailed',
      data: { ...message(leadId, stepNumber, at(0)), outcome, code: 'sequence_stopped', detail: '', failedAt: at(9) },
    }) as const;
  await doors.apply(
    { name: 'LeadDiscovered', data: sampleDiscovered({ leadId }) },
    fate(2, 'suppressed'),
    fate(3, 'suppressed'),
    fate(4, 'unknown'),
  );
  expect(await doors.answerOf(funnelRoutes.funnel, '/v1/analytics/funnel')).toMatchObject({
    outreach: { messagesSent: 0, messagesFailed: 1, messagesWithheld: 2 },
  });
});

it('[AN-01] its steps nest in whatever order the topics were read', async () => {
  const events = [1, 2, 3].flatMap((n) => fullStory(sampleId('lead', n)).flat());
  // The score of one lead, the task of another, the answer of a third: what they follow from is still to come.
  for (const name of ['LeadScored', 'CallTaskCreated', 'MessageReplied'])
    await doors.apply(...events.filter((event) => event.name === name));
  const { steps } = await doors.answerOf(funnelRoutes.funnel, '/v1/analytics/funnel');
  expect(steps.map(({ leads }) => leads)).toEqual([3, 3, 3, 3, 3]);
  await doors.apply({ name: 'LeadScored', data: sampleScored({ leadId: sampleId('early') }) });
  const later = await doors.answerOf(funnelRoutes.funnel, '/v1/analytics/funnel');
  expect(later.steps.map(({ leads }) => leads)).toEqual([4, 4, 4, 3, 3]);
});

it('freshness keeps the last two thousand leads', () => {
  const clock = fixedClock(testNow);
  const freshness = createFreshness(clock);
  const scored = (tookMs: number) => ({
    name: 'LeadScored',
    publishedAt: clock.now(),
    data: { submittedAt: clock.now() - tookMs },
  });
  for (let i = 0; i < 3_000; i += 1) freshness.applied([scored(i)]);
  expect(freshness.projectionMs()).toEqual({ p50: 2_000, p99: 2_980 });
});
