/**
 * Chapter 06: the outside world.
 *
 * Some work asks somebody else: a provider, a mail server. Such calls are slow, cost money, and cannot be rolled back,
 * so they never run inside a transaction. An effect processor has a second table, `perform`, and the effect runner:
 *
 *   fetch ─▶ queue (order within a key) ─▶ perform, N at once ─▶ decide and commit, many together
 *                                             │
 *                                             └─ step(name, call): the answer is stored, then used
 *
 * After a crash the message comes again; a step whose answer is stored is not called again. `step.once` is for calls
 * that must never happen twice (an e-mail): it stores the beginning too, and a beginning without an end is "unknown",
 * which the decision has to live with.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { InvariantError, randomId, setFaultHook, TransientError } from '@lead-flood/kernel';
import { createJournalWriter, readJournal, readPositions, sql } from '@lead-flood/postgres';
import { effectProcessor } from '@lead-flood/processor';
import { createLine, eventually, sampleId } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { advanceOf } from '../src/effect-tracker.ts';
import { createStep } from '../src/step.ts';
import { at, countOf, counts, createAppraiser, createWorld, enriched } from './example.ts';

const leads = Array.from({ length: 12 }, (_, i) => `lead-${i}`);

describe('a step', () => {
  let line: Line;
  const world = createWorld();
  const stepOf = async (messageId: string, overrides: { deadlineMs?: number; now?: () => number } = {}) =>
    createStep({
      journal: createJournalWriter(line.database, 'appraise'),
      messageId,
      group: 'appraise',
      signal: new AbortController().signal,
      known: await readJournal(line.database, 'appraise', [messageId]),
      deadlineMs: 5_000,
      now: Date.now,
      ...overrides,
    });

  beforeAll(async () => {
    line = await createLine(effectProcessor(createAppraiser(world)), at);
  });
  afterEach(() => {
    setFaultHook(null);
  });
  afterAll(() => line.close());

  it('stores its answer before anybody uses it, so a crash does not ask (and pay) again', async () => {
    setFaultHook((point) => {
      if (point === 'step.worth.stored' || point.startsWith('db.commit'))
        throw new InvariantError('the process dies here');
    });
    await line.publish(enriched('ada', 1));
    await line.start();
    await line.crashed();
    await line.stop();
    setFaultHook(null);
    expect(await countOf(line.database, 'ada')).toBe(0);

    await line.start();
    await line.caughtUp();
    expect(world.asked).toEqual([sampleId('ada')]);
    expect(await line.events('scoring.lead.v1')).toMatchObject([{ name: 'LeadScored', data: { value: 7 } }]);
  });

  it('is told apart from another step of the same message, and hands the other side a key to recognise a repeat', async () => {
    const id = randomId();
    const keys: string[] = [];
    const step = await stepOf(id);
    const note = ({ idempotencyKey }: { idempotencyKey: string }): Promise<number> =>
      Promise.resolve(keys.push(idempotencyKey));
    await step('first', note);
    await step('second', note);
    await (
      await stepOf(randomId())
    )('first', note);
    expect(new Set(keys).size).toBe(3);
  });

  describe('once', () => {
    let calls = 0;
    const send = (): Promise<string> => Promise.resolve(`receipt ${(calls += 1)}`);

    it('knows the answer the second time without calling', async () => {
      const id = randomId();
      calls = 0;
      expect(await (await stepOf(id)).once('send', send)).toEqual({ known: true, value: 'receipt 1' });
      expect(await (await stepOf(id)).once('send', send)).toEqual({ known: true, value: 'receipt 1' });
      expect(calls).toBe(1);
    });

    it('begun and not ended is unknown once its deadline is over: it is never called again', async () => {
      const id = randomId();
      await createJournalWriter(line.database, 'appraise').begin(id, 'send');
      calls = 0;
      const later = await stepOf(id, { now: () => Date.now() + 60_000 });
      expect(await later.once('send', send)).toEqual({ known: false });
      expect(calls).toBe(0);
    });

    it('begun elsewhere a moment ago may still end: look again later', async () => {
      const id = randomId();
      await createJournalWriter(line.database, 'appraise').begin(id, 'send');
      await expect((await stepOf(id)).once('send', send)).rejects.toMatchObject({ code: 'PRC_ERR_STEP_IN_DOUBT' });
    });

    it('whose call surely did not arrive is forgotten and may be tried again', async () => {
      const id = randomId();
      const refuse = (): Promise<never> => Promise.reject(new TransientError('PRV_ERR_RATE_LIMITED', 'not now'));
      await expect((await stepOf(id)).once('send', refuse)).rejects.toMatchObject({ code: 'PRV_ERR_RATE_LIMITED' });
      expect(await readJournal(line.database, 'appraise', [id])).toEqual([]);
      expect(await (await stepOf(id)).once('send', send)).toMatchObject({ known: true });
    });

    it('whose answer was lost is unknown', async () => {
      const id = randomId();
      const lose = (): Promise<never> =>
        Promise.reject(new TransientError('PRV_ERR_TIMEOUT', 'no answer', { ambiguous: true }));
      expect(await (await stepOf(id)).once('send', lose)).toEqual({ known: false });
      expect(await readJournal(line.database, 'appraise', [id])).toMatchObject([{ step: 'send', done: false }]);
    });
  });
});

describe('many messages at once', () => {
  let line: Line;
  const gate = Promise.withResolvers<undefined>();
  const [slow = ''] = leads;
  const world = createWorld(async (leadId, times) => {
    if (leadId === sampleId(slow)) await gate.promise;
    return times;
  });
  beforeAll(async () => {
    line = await createLine(effectProcessor(createAppraiser(world, { inFlightMax: 4, deadlineMs: 30_000 })), at);
  });
  afterAll(() => line.close());

  it('keep their order within a key and their bound across keys', async () => {
    await line.publish(...leads.map((lead) => enriched(lead, 1)), ...leads.map((lead) => enriched(lead, 2)));
    await line.start();
    // Everybody but the slow one is finished, although it was the first to begin.
    await eventually(
      'the others to finish',
      async () => Object.values(await counts(line.database)).filter((count) => count === 2).length === 11,
    );
    expect(world.inFlightMost).toBe(4);
    expect(world.asked.filter((asked) => asked === sampleId(slow))).toHaveLength(1);
  });

  it('that are finished beyond an open one are remembered; the position waits for it', async () => {
    const waiting = (await readPositions(line.database, 'appraise')).find((position) => position.finished.length > 0);
    expect(waiting?.nextOffset).toBe(0);
    expect(waiting?.finished).not.toContain(0);
    gate.resolve(undefined);
    await line.caughtUp();
    expect((await readPositions(line.database, 'appraise')).flatMap((position) => position.finished)).toEqual([]);
    const values = (await line.events('scoring.lead.v1'))
      .filter((event) => event.key === sampleId(slow))
      .map((event) => (event.data as { value: number }).value);
    expect(values).toEqual([1, 2]);
  });

  it('and remembered as finished are not repeated by a restart', async () => {
    await line.stop();
    world.asked.length = 0;
    const [first] = (await readPositions(line.database, 'appraise')).filter((position) => position.nextOffset > 2);
    const all = Array.from({ length: (first?.nextOffset ?? 1) - 1 }, (_, i) => i + 1);
    // As if offset 0 had been open at the crash and everything behind it done.
    await line.database.query(sql.unsafe`
      update positions set next_offset = 0, finished = ${`{${all.join(',')}}`}::bigint[] where topic = ${first?.topic ?? ''} and partition = ${first?.partition ?? -1}
    `);
    await line.database.query(sql.unsafe`delete from journal`);
    await line.start();
    await line.caughtUp();
    expect(world.asked).toHaveLength(1);
  });

  it('as in this picture: [0 open][1 done][2 done] keeps the position at 0, then 0 ends and it moves to 3', () => {
    const place = { epoch: 1, nextOffset: 0, finished: new Set<number>(), generation: 1 };
    const tracker = { topic: 't', partition: 0, place, outstanding: [0, 1, 2], historyUntil: 0 };
    expect(advanceOf(tracker, [1, 2])).toMatchObject({ expectedOffset: 0, nextOffset: 0, finished: [1, 2] });
    place.finished = new Set([1, 2]);
    expect(advanceOf(tracker, [0])).toMatchObject({ expectedOffset: 0, nextOffset: 3, finished: [] });
  });
});
