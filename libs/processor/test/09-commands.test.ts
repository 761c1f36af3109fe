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
import { CodedError, systemClock } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { batchProcessor, createApplier } from '@lead-flood/processor';
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

const applier = () => {
  const counted: Database = {
    ...line.database,
    transaction: async (body) => {
      const result = await line.database.transaction(body);
      commits += 1;
      return result;
    },
  };
  return createApplier(tally, {
    database: counted,
    codec: line.codec,
    clock: systemClock,
    wakeRelay: () => undefined,
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
});
