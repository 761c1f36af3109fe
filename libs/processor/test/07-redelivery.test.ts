/**
 * Chapter 07: redelivery.
 *
 * A provider that is down will be up again. An input whose call failed for a passing reason (`TransientError`) is put
 * aside and comes back by a timer; meanwhile the partition goes on, so one provider's trouble does not stop the line:
 *
 *   try 0 ──fails──▶ timer (5 s) ──▶ <group>.timer.v1 {attempt: 1} ──▶ try 1 ──fails──▶ timer (15 s) ──▶ ...
 *                                                                        └─ after the last: onExhausted + dead letter
 *
 * A row in `redeliveries` names the attempt that is waited for. It goes, or moves on, in the transaction that decides
 * the try, so a timer that is published twice finds nothing to do the second time.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { deadLetterFacts } from '@lead-flood/kafka';
import { TransientError } from '@lead-flood/kernel';
import { readOutboxStates, sql } from '@lead-flood/postgres';
import { effectProcessor } from '@lead-flood/processor';
import { createLine, encodeTestEvent, eventually, sampleId, sampleOrg } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { at, countOf, createAppraiser, createWorld, enriched, header, rowsIn } from './example.ts';

const busy = (retryAfterMs?: number): TransientError =>
  new TransientError('PRV_ERR_RATE_LIMITED', 'slow down', retryAfterMs === undefined ? {} : { retryAfterMs });

let line: Line;
const world = createWorld((leadId, times) => {
  if (leadId === sampleId('mute') && times === 1) return Promise.reject(busy());
  if (leadId === sampleId('repeated') && times === 2) return Promise.reject(busy());
  if (leadId === sampleId('twice') && times <= 2) return Promise.reject(busy());
  if ([sampleId('patient'), sampleId('slow')].includes(leadId)) return Promise.reject(busy(600_000));
  if ([sampleId('never'), sampleId('hopeless')].includes(leadId)) return Promise.reject(busy());
  return Promise.resolve(times);
});
const askedFor = (lead: string): number => world.asked.filter((asked) => asked === sampleId(lead)).length;

beforeAll(async () => {
  // Three tries a moment apart instead of five within three minutes.
  line = await createLine(effectProcessor(createAppraiser(world), [1, 2, 3]), at);
  await line.start();
});
afterAll(() => line.close());

describe('an input whose call failed for a passing reason', () => {
  it('comes back until the call succeeds', async () => {
    await line.publish(enriched('twice', 1));
    await eventually('the third try', async () => (await countOf(line.database, 'twice')) === 1);
    expect(askedFor('twice')).toBe(3);
    expect(line.outcomes.get('redelivered:PRV_ERR_RATE_LIMITED')).toBe(2);
    expect(await rowsIn(line.database, 'redeliveries')).toBe(0);
  });

  it('carries the number of the attempt, its own id and its origin', async () => {
    const timers = await line.records('appraise.timer.v1');
    expect(timers.map((record) => header(record, 'attempt'))).toEqual(['1', '2']);
    expect(timers.map((record) => header(record, 'message-id'))).toEqual([
      sampleId('enriched', 'twice', 1),
      sampleId('enriched', 'twice', 1),
    ]);
    expect(timers.map((record) => header(record, 'origin'))).toEqual(['enrichment.lead.v1', 'enrichment.lead.v1']);
  });

  it('is tried once by each timer: a timer that is published again does nothing', async () => {
    const [timer] = await line.records('appraise.timer.v1');
    const headers = Object.fromEntries(
      ['message-id', 'attempt', 'origin', 'org-id', 'version'].map((name) => [name, header(timer, name) ?? '']),
    );
    await line.publishRaw({
      topic: 'appraise.timer.v1',
      key: timer?.key ?? null,
      value: timer?.value ?? null,
      headers,
    });
    await line.publish(enriched('after', 1));
    await eventually('what came after it', async () => (await countOf(line.database, 'after')) === 1);
    expect(await countOf(line.database, 'twice')).toBe(1);
    expect((await line.events('scoring.lead.v1')).filter((event) => event.key === sampleId('twice'))).toHaveLength(1);
  });

  it('comes back with no other headers than it came with, those without a value too', async () => {
    const { headers, ...record } = encodeTestEvent(line.codec, enriched('mute', 1));
    await line.publishRaw({ ...record, headers: { ...headers, version: null, 'org-id': null } });
    await eventually('the second try', async () => (await countOf(line.database, 'mute')) === 1);
    expect(askedFor('mute')).toBe(2);
  });

  it('waits as long as the other side asks for', async () => {
    await line.publish(enriched('patient', 1));
    const dueInMs = await eventually('the timer', async () =>
      line.database.maybeOneFirst(
        sql.type(
          z.object({ ms: z.number() }),
        )`select extract(epoch from due_at - now())::float8 * 1000 as ms from timers`,
      ),
    );
    expect(dueInMs).toBeGreaterThan(500_000);
    expect(dueInMs).toBeLessThanOrEqual(600_000);
  });

  it('is given up after the last try: the processor says what becomes of it, and a dead letter is written', async () => {
    await line.publish(enriched('never', 1));
    const [letter] = await eventually('the dead letter', async () => {
      const letters = await line.records('appraise.dead-letter.v1');
      return letters.length > 0 ? letters : null;
    });
    expect(letter === undefined ? null : deadLetterFacts(letter)).toMatchObject({
      code: 'PRC_ERR_EXHAUSTED',
      step: 'perform',
      detail: 'PRV_ERR_RATE_LIMITED',
    });
    expect(askedFor('never')).toBe(4);
    const [given] = (await line.events('scoring.lead.v1')).filter((event) => event.key === sampleId('never'));
    expect(given).toMatchObject({ name: 'LeadScored', data: { value: 0 } });
  });

  it('[X-ID-03] [X-ID-04] stands in the outbox states: sent, failed with its next try, given up with the number of tries', async () => {
    const states = () => readOutboxStates(line.database, sampleOrg, { limit: 100 });
    await line.publish(enriched('slow', 1), enriched('hopeless', 1));
    const found = await eventually('the last try', async () => {
      const now = await states();
      const has = (lead: string, status: string): boolean =>
        now.some((one) => one.key === sampleId(lead) && one.status === status);
      return has('hopeless', 'dead_letter') && has('slow', 'failed') ? now : null;
    });
    expect(found.find(({ key, topic }) => topic === 'appraise.timer.v1' && key === sampleId('slow'))).toMatchObject({
      messageId: sampleId('enriched', 'slow', 1),
      status: 'failed',
      attempts: 1,
      code: 'PRV_ERR_RATE_LIMITED',
      nextAttemptAt: expect.stringMatching(/^20/) as string,
    });
    expect(found.find(({ key, status }) => status === 'dead_letter' && key === sampleId('hopeless'))).toMatchObject({
      topic: 'appraise.dead-letter.v1',
      attempts: 4,
      code: 'PRC_ERR_EXHAUSTED',
    });
    await eventually('everything to be published', async () =>
      (await states()).some(({ status }) => status === 'sent'),
    );
    expect(await readOutboxStates(line.database, sampleId('another org'), { limit: 100 })).toEqual([]);
  });
});

describe('a repeat of what has been decided', () => {
  it('whose own try fails does not come back: it would pass the version guard and be decided a second time', async () => {
    await line.publish(enriched('repeated', 1));
    await line.caughtUp();
    await line.publish(enriched('repeated', 1));
    await eventually('the second try to have failed', () => askedFor('repeated') === 2);
    await line.caughtUp();
    const waits = sql.unsafe`select 1 from redeliveries where message_id = ${sampleId('enriched', 'repeated', 1)}`;
    expect(await line.database.exists(waits)).toBe(false);
    expect([await countOf(line.database, 'repeated'), askedFor('repeated')]).toEqual([1, 2]);
    expect(line.outcomes.get('duplicate:version')).toBe(1);
  });
});

describe('while a later try is waited for', () => {
  const patient = createWorld((_leadId, times) => (times <= 2 ? Promise.reject(busy()) : Promise.resolve(times)));
  let own: Line;
  beforeAll(async () => {
    own = await createLine(effectProcessor(createAppraiser(patient), [1, 1_500]), at);
    await own.start();
  });
  afterAll(() => own.close());

  const waitsForSecond = (lead: string) =>
    eventually('the second try to be waited for', () =>
      own.database.exists(
        sql.unsafe`select 1 from redeliveries where message_id = ${sampleId('enriched', lead, 1)} and attempt = 2`,
      ),
    );

  it('a repeat of an earlier timer does not take its row away', async () => {
    await own.publish(enriched('stale', 1));
    await waitsForSecond('stale');
    const [timer] = await own.records('appraise.timer.v1');
    const headers = Object.fromEntries(
      ['message-id', 'attempt', 'origin', 'org-id', 'version'].map((name) => [name, header(timer, name) ?? '']),
    );
    const { key = null, value = null } = timer ?? {};
    await own.publishRaw({ topic: 'appraise.timer.v1', key, value, headers });
    await eventually('the second try', async () => (await countOf(own.database, 'stale')) === 1);
    expect(await rowsIn(own.database, 'redeliveries')).toBe(0);
  });

  it('a repeat of the message that a later one has overtaken does not either', async () => {
    await own.publish(enriched('overtaken', 1));
    await waitsForSecond('overtaken');
    // The third question about this lead is answered: the later message passes the earlier one, which comes once more.
    await own.publish(enriched('overtaken', 2), enriched('overtaken', 1));
    await eventually('both', async () => (await countOf(own.database, 'overtaken')) === 2);
    expect(await rowsIn(own.database, 'redeliveries')).toBe(0);
  });
});
