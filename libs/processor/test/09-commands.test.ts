/**
 * Chapter 09: commands by REST.
 *
 * A fact has one way in, whatever door it came through: a command passes through the same table of decisions and the
 * same store as an event, in a transaction of its own. Calls that arrive while one transaction runs share the next:
 *
 *   apply(a) ──▶ [ a ] commit
 *   apply(b) ─┐
 *   apply(c) ─┴▶ waits ──▶ [ b, c ] commit       b and c each get their own answer
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CodedError, systemClock, TransientError } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { batchProcessor, createApplier, silentTelemetry } from '@lead-flood/processor';
import type { Telemetry } from '@lead-flood/processor';
import { createLine, sampleId, sampleOrg } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { at, countOf, enriched, header, tally } from './example.ts';

let line: Line;
let commits = 0;
beforeAll(async () => {
  line = await createLine(batchProcessor(tally), at);
  await line.start();
});
beforeEach(() => {
  commits = 0;
});
afterAll(() => line.close());

const applier = (processor = tally, telemetry: Telemetry = silentTelemetry) => {
  const counted: Database = {
    ...line.database,
    transaction: async (body) => {
      const result = await line.database.transaction(body);
      commits += 1;
      return result;
    },
  };
  return createApplier(processor, {
    database: counted,
    codec: line.codec,
    clock: systemClock,
    wakeRelay: () => undefined,
    telemetry,
  });
};
const add = (lead: string, by: number, id?: string) => ({
  name: 'AddToTally' as const,
  key: sampleId(lead),
  orgId: sampleOrg,
  correlationId: 'request-1',
  data: { orgId: sampleOrg, leadId: sampleId(lead), by },
  ...(id === undefined ? {} : { id }),
});

describe('a command', () => {
  it('is answered after its commit, with the state that it led to', async () => {
    const applied = await applier().apply(add('ada', 3, sampleId('command')));
    expect(applied).toMatchObject({ key: sampleId('ada'), state: { count: 3 }, outcome: { outcome: 'applied' } });
    expect(await countOf(line.database, 'ada')).toBe(3);
    await line.caughtUp();
    const [record] = await line.records('scoring.lead.v1');
    expect([header(record, 'causation-id'), header(record, 'correlation-id')]).toEqual([
      sampleId('command'),
      'request-1',
    ]);
  });

  it('shares its commit with the others of a burst', async () => {
    const { apply } = applier();
    const answers = await Promise.all(Array.from({ length: 50 }, () => apply(add('bea', 1))));
    expect(answers.map(({ state }) => state.count)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(commits).toBeLessThanOrEqual(2);
  });

  it('that is refused fails alone, with the code of the decision', async () => {
    const { apply } = applier();
    const [first, refused, last] = await Promise.allSettled([
      apply(add('cyd', 1)),
      apply(add('cyd', -1)),
      apply(add('cyd', 1)),
    ]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { name: CodedError.name, code: 'EXA_ERR_NEGATIVE' } });
    expect([first.status, last.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(await countOf(line.database, 'cyd')).toBe(2);
  });

  it('whose row Postgres refuses fails alone too', async () => {
    const { apply } = applier();
    const [first, unstorable, last] = await Promise.allSettled([
      apply(add('dot', 1)),
      apply(add('eve', 13)),
      apply(add('fay', 1)),
    ]);
    expect([first.status, unstorable.status, last.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect([
      await countOf(line.database, 'dot'),
      await countOf(line.database, 'eve'),
      await countOf(line.database, 'fay'),
    ]).toEqual([1, 0, 1]);
  });

  it('that meets another replica’s or a batch’s change of the same key is decided again on the new state', async () => {
    const [one, two] = [applier(), applier()];
    const events = line.publish(...Array.from({ length: 20 }, (_, i) => enriched('gil', i + 1)));
    for (let round = 0; round < 10; round += 1) await Promise.all([one.apply(add('gil', 1)), two.apply(add('gil', 1))]);
    await events;
    await line.caughtUp();
    expect(await countOf(line.database, 'gil')).toBe(40);
    const versions = (await line.events('scoring.lead.v1'))
      .filter((event) => event.key === sampleId('gil'))
      .map((event) => event.version);
    expect(versions).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  it('that conflicts in every try fails alone and soon, and those beside it are not kept', async () => {
    const save: typeof tally.store.save = async (tx, rows) => {
      if (rows.some(({ key }) => key === sampleId('stuck')))
        throw new TransientError('PGS_ERR_CONFLICT', 'met again, as always');
      await tally.store.save(tx, rows);
    };
    const { apply } = applier({ ...tally, store: { ...tally.store, save } });
    const stuck = Array.from({ length: 4 }, () => apply(add('stuck', 1)));
    const settled = Promise.allSettled(stuck);
    const startedAt = performance.now();
    const others = await Promise.all(Array.from({ length: 20 }, (_, i) => apply(add(`free-${i}`, 1))));
    expect(others.map(({ state }) => state.count)).toEqual(others.map(() => 1));
    // Alone each conflicting one takes a third of a second on average; the others may not have waited for any of them.
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect((await settled).map(({ status }) => status)).toEqual(stuck.map(() => 'rejected'));
  });

  it('whose decision throws is our bug: told with its place, counted, and refused by a code that no door knows', async () => {
    const told: string[] = [];
    const counted: string[] = [];
    const buggy = {
      ...tally,
      decide: {
        ...tally.decide,
        AddToTally: (): never => {
          throw new TypeError('the address ada@aurora.se.example is undefined');
        },
      },
    };
    const { apply } = applier(buggy, {
      ...silentTelemetry,
      error: (group, error, what) => told.push(`${group}: ${what}: ${error.message}`),
      outcome: (_group, topic, outcome, reason) => counted.push(`${topic} ${outcome} ${reason}`),
    });
    await expect(apply(add('hal', 1))).rejects.toMatchObject({ code: 'PRC_ERR_HANDLER_FAULT' });
    expect(told).toEqual([
      expect.stringMatching(/^tally: deciding AddToTally threw: TypeError .*09-commands\.test\.ts:\d+/),
    ]);
    expect(told.join()).not.toContain('ada@');
    expect(counted).toEqual(['rest rejected PRC_ERR_HANDLER_FAULT']);
  });
});
