/**
 * Chapter 12: lost answers.
 *
 * A COMMIT whose answer is lost may have taken place. Whoever can find out does so, and goes on from what the database
 * says; whoever cannot must not do it again:
 *
 *   effect runner   asks where its partitions stand, drops what is out of date, claims anew
 *   a command       is answered "try again in a moment"; only its caller knows whether it may be repeated
 *   a redelivery    that a replay has overtaken is ended by it: its timer then finds nothing to do
 */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock, TransientError } from '@lead-flood/kernel';
import { readPositions, sql } from '@lead-flood/postgres';
import type { Database } from '@lead-flood/postgres';
import { batchProcessor, createApplier, effectProcessor, silentTelemetry } from '@lead-flood/processor';
import type { Starter } from '@lead-flood/processor';
import { createLine, eventually, sampleId, sampleOrg } from '@lead-flood/testing';
import type { Line, TestEvent } from '@lead-flood/testing';
import { at, countOf, counts, createAppraiser, createWorld, enriched, rowsIn, startOn, tally } from './example.ts';

const lost = (): TransientError => new TransientError('PGS_ERR_UNAVAILABLE', 'the connection broke');

let line: Line;
afterEach(async () => {
  line.onFault(null);
  await line.close();
});
const on = async (starter: Starter): Promise<Line> => {
  line = await createLine(starter, at);
  return line;
};

describe('an effect whose COMMIT took place and whose answer was lost', () => {
  it('is not decided again, and the partition goes on', async () => {
    const world = createWorld();
    await on(effectProcessor(createAppraiser(world)));
    let answers = 2;
    line.onFault((point) => {
      if (point === 'db.commit.after' && answers-- > 0) throw lost();
    });
    await line.start();
    const leads = ['ada', 'bea', 'cyd', 'dot', 'eve', 'fay'];
    await line.publish(...leads.map((lead) => enriched(lead, 1)), ...leads.map((lead) => enriched(lead, 2)));
    await line.caughtUp();
    await line.publish(...leads.map((lead) => enriched(lead, 3)));
    await line.caughtUp();
    expect(await counts(line.database)).toEqual(Object.fromEntries(leads.map((lead) => [sampleId(lead), 3])));
    expect(line.errors.map((error) => ('code' in error ? error.code : error.name))).toContain('PGS_ERR_NOT_OWNER');
  });
});

describe('an effect whose COMMIT took place behind an open message, and whose answer was lost', () => {
  const leads = Array.from({ length: 12 }, (_, i) => `lead-${i}`);
  const unversioned = (lead: string): TestEvent => {
    const { name, data } = enriched(lead, 1);
    return { name, data };
  };

  // Neither has a version by which a repeat could be told.
  it.each<[string, readonly string[]]>([
    ['of events without a version', leads],
    ['of a dead letter', []],
  ])('is not decided again, though the position stayed where it was: %s', async (_what, others) => {
    const gate = Promise.withResolvers<undefined>();
    const world = createWorld(async (leadId) => {
      if (leadId === sampleId('slow')) await gate.promise;
      return 7;
    });
    const starter = effectProcessor(createAppraiser(world, { inFlightMax: 64, deadlineMs: 30_000 }));
    await on(starter);
    await line.publish(unversioned('slow'));
    const { key = null } = (await line.records('enrichment.lead.v1'))[0] ?? {};
    const letter = { topic: 'enrichment.lead.v1', key: key?.toString() ?? null, value: Buffer.from('?'), headers: {} };
    if (others.length === 0) await line.publishRaw(letter);
    await line.publish(...others.map(unversioned));
    let isLost = false;
    const database: Database = {
      ...line.database,
      transaction: async (body) => {
        const result = await line.database.transaction(body);
        const hasFinished = (await readPositions(line.database, 'appraise')).some((row) => row.finished.length > 0);
        if (isLost || !hasFinished) return result;
        isLost = true;
        throw lost();
      },
    };
    const running = await startOn(line, starter, { database });
    await eventually('an answer to be lost', () => isLost);
    gate.resolve(undefined);
    const all = async () => [await counts(line.database), await letters()];
    const letters = () => line.database.any(sql.unsafe`select 1 from outbox where topic = 'appraise.dead-letter.v1'`);
    await eventually('all', async () => Object.keys(await counts(line.database)).length === others.length + 1);
    await running.stop();
    const once = Object.fromEntries(['slow', ...others].map((lead) => [sampleId(lead), 1]));
    expect(await all()).toEqual([once, others.length === 0 ? [expect.anything()] : []]);
  });
});

describe('an effect that cannot ask who owns its partition, since the database is away', () => {
  it('asks again, and the process goes on', async () => {
    const starter = effectProcessor(createAppraiser(createWorld()));
    await on(starter);
    let answers = 1;
    let absences = 0;
    const fatal: Error[] = [];
    const database: Database = {
      ...line.database,
      transaction: async (body) => {
        const result = await line.database.transaction(body);
        if (answers-- > 0) {
          absences = 2;
          throw lost();
        }
        return result;
      },
      any: (...query) => (absences-- > 0 ? Promise.reject(lost()) : line.database.any(...query)),
    };
    await line.publish(enriched('ada', 1));
    const running = await startOn(line, starter, { database, onFatal: (error) => fatal.push(error) });
    await eventually('the first', async () => (await countOf(line.database, 'ada')) === 1);
    await eventually('the question', () => absences < 0 || fatal.length > 0);
    await line.publish(enriched('ada', 2));
    await eventually('the second', async () => (await countOf(line.database, 'ada')) === 2 || fatal.length > 0);
    await running.stop();
    expect(fatal).toEqual([]);
    expect(await countOf(line.database, 'ada')).toBe(2);
  });
});

describe('a command whose COMMIT took place and whose answer was lost', () => {
  it('is told so, and not done again by itself', async () => {
    await on(batchProcessor(tally));
    const database: Database = {
      ...line.database,
      transaction: async (body) => {
        await line.database.transaction(body);
        throw lost();
      },
    };
    const { apply } = createApplier(tally, {
      database,
      codec: line.codec,
      clock: systemClock,
      wakeRelay: () => undefined,
      telemetry: silentTelemetry,
    });
    const command = {
      name: 'AddToTally' as const,
      key: sampleId('ada'),
      orgId: sampleOrg,
      correlationId: 'request-1',
      data: { orgId: sampleOrg, leadId: sampleId('ada'), by: 1 },
    };
    await expect(apply(command)).rejects.toMatchObject({ code: 'PGS_ERR_UNAVAILABLE' });
    expect(await countOf(line.database, 'ada')).toBe(1);
  });
});

describe('an input that waits for another try and is decided by a replay', () => {
  it('waits no longer: its timer does nothing', async () => {
    let well = false;
    const busy = new TransientError('PRV_ERR_RATE_LIMITED', 'slow down', { retryAfterMs: 600_000 });
    const world = createWorld(() => (well ? Promise.resolve(7) : Promise.reject(busy)));
    await on(effectProcessor(createAppraiser(world)));
    await line.start();
    await line.publish(enriched('ada', 1));
    await line.caughtUp();
    expect(await rowsIn(line.database, 'redeliveries')).toBe(1);
    await line.stop();
    well = true;
    await line.database.query(sql.unsafe`update positions set next_offset = 0, finished = '{}'`);
    await line.start();
    await line.caughtUp();
    expect([await countOf(line.database, 'ada'), await rowsIn(line.database, 'redeliveries')]).toEqual([1, 0]);

    await line.database.query(sql.unsafe`update timers set due_at = now()`);
    await eventually('the timer to be taken', async () =>
      line.database.exists(
        sql.unsafe`select 1 from positions where topic like '%appraise.timer.v1' and next_offset > 0`,
      ),
    );
    expect(await countOf(line.database, 'ada')).toBe(1);
  });
});
