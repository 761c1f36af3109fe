/**
 * Chapter 14: parking.
 *
 * For some processors a message makes no sense when one before it is missing. Such a one says `parks: true`: after a
 * reject its key is set aside. The rejected message becomes a dead letter as ever, and waits in `parked` too; whatever
 * the key gets later waits behind it, in the transaction that moves the position. Other keys notice nothing.
 *
 *   lead a:   1 ✓   2 rejected   3 parked   4 parked          drain:   2 ✓   3 ✓   4 ✓   the key is free
 *   lead b:   1 ✓   2 ✓          3 ✓        4 ✓
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { only, topics } from '@lead-flood/contracts';
import { reject, systemClock } from '@lead-flood/kernel';
import { listParked, sql } from '@lead-flood/postgres';
import type { BatchProcessor } from '@lead-flood/processor';
import { batchProcessor, drainKey, untyped } from '@lead-flood/processor';
import { createLine, encodeTestEvent, eventually, sampleCompany, sampleId, sampleOrg } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import type { Tally, TallyCommands } from './example.ts';
import { at, countOf, enriched, rowsIn, tally } from './example.ts';

type Tallying =
  typeof tally extends BatchProcessor<Tally, infer R, infer W, undefined, TallyCommands>
    ? BatchProcessor<Tally, R, W, undefined, TallyCommands>
    : never;

/** Refuses what `broken` says until it is mended. */
const broken = new Set<string>();
const parking: Tallying = {
  ...tally,
  parks: true,
  decide: {
    ...tally.decide,
    LeadEnriched: (state, event, ctx) =>
      broken.has(event.id) ? reject('EXA_ERR_INVALID_EMAIL', 'not yet') : tally.decide.LeadEnriched(state, event, ctx),
  },
};

let line: Line;
beforeEach(async () => {
  broken.clear();
  line = await createLine(batchProcessor(parking), at);
  await line.start();
});
afterEach(() => line.close());

const id = (lead: string, version: number): string => sampleId('enriched', lead, version);
const drain = (lead: string, dropFirst = false, processor: Tallying = parking) =>
  drainKey(
    untyped(processor) as Parameters<typeof drainKey>[0],
    {
      database: line.database,
      codec: line.codec,
      clock: systemClock,
      wakeRelay: () => undefined,
      topicPrefix: line.prefix,
    },
    { key: sampleId(lead), dropFirst },
  );
const parked = async () =>
  (await listParked(line.database, sampleOrg, 100)).map(({ group, key, messages, code }) => [
    group,
    key,
    messages,
    code,
  ]);
const scoresOf = async (lead: string): Promise<unknown[]> =>
  (await line.events('scoring.lead.v1'))
    .filter(({ key }) => key === sampleId(lead))
    .map(({ data, version }) => [(data as { value: number }).value, version]);

describe('a key with a rejected message', () => {
  it('waits, in the same batch and in later ones, and other keys do not', async () => {
    broken.add(id('a', 2));
    await line.publish(...[1, 2, 3].flatMap((version) => [enriched('a', version), enriched('b', version)]));
    await line.caughtUp();
    await line.publish(enriched('a', 4), enriched('b', 4));
    await line.caughtUp();
    expect([await countOf(line.database, 'a'), await countOf(line.database, 'b')]).toEqual([1, 4]);
    expect(await parked()).toEqual([['tally', sampleId('a'), 3, 'EXA_ERR_INVALID_EMAIL']]);
    expect(await line.records('tally.dead-letter.v1')).toHaveLength(1);
    expect(line.outcomes.get('parked')).toBe(2);
  });

  it('is decided in order when it is drained, and is free again', async () => {
    broken.add(id('a', 2));
    await line.publish(...[1, 2, 3, 4].map((version) => enriched('a', version)));
    await line.caughtUp();
    broken.clear();
    expect(await drain('a')).toEqual({ drained: 3, dropped: 0, stoppedBy: null });
    await line.publish(enriched('a', 5));
    await line.caughtUp();
    expect(await scoresOf('a')).toEqual([1, 2, 3, 4, 5].map((n) => [n, n]));
    expect(await rowsIn(line.database, 'parked')).toBe(0);
    expect(await drain('a')).toEqual({ drained: 0, dropped: 0, stoppedBy: null });
  });

  it('has its messages back with no other headers than they came with, those without a value too', async () => {
    broken.add(id('a', 1));
    await line.publish(enriched('a', 1));
    await line.caughtUp();
    const { headers, ...record } = encodeTestEvent(line.codec, enriched('a', 2));
    await line.publishRaw({ ...record, headers: { ...headers, version: null, 'org-id': null, traceparent: null } });
    await line.caughtUp();
    broken.clear();
    expect(await drain('a')).toEqual({ drained: 2, dropped: 0, stoppedBy: null });
    expect(await countOf(line.database, 'a')).toBe(2);
  });

  it('stays where it is as long as the cause is not mended, up to the message that is rejected', async () => {
    broken.add(id('a', 1)).add(id('a', 3));
    await line.publish(...[1, 2, 3, 4].map((version) => enriched('a', version)));
    await line.caughtUp();
    expect(await drain('a')).toEqual({ drained: 0, dropped: 0, stoppedBy: 'EXA_ERR_INVALID_EMAIL' });
    broken.delete(id('a', 1));
    expect(await drain('a')).toEqual({ drained: 2, dropped: 0, stoppedBy: 'EXA_ERR_INVALID_EMAIL' });
    expect([await countOf(line.database, 'a'), await rowsIn(line.database, 'parked')]).toEqual([2, 2]);
  });

  it('is freed of what has stopped to mean anything since it was parked', async () => {
    broken.add(id('a', 1));
    await line.publish(enriched('a', 1), enriched('a', 2));
    await line.caughtUp();
    const newer = { ...parking, reads: [only(topics['enrichment.lead.v1'], ['LeadEnrichmentFailed'])] as const };
    expect(await drain('a', false, newer)).toEqual({ drained: 2, dropped: 0, stoppedBy: null });
    expect([await countOf(line.database, 'a'), await rowsIn(line.database, 'parked')]).toEqual([0, 0]);
  });

  it('goes on without the rejected message when somebody gives that up', async () => {
    broken.add(id('a', 1));
    await line.publish(...[1, 2, 3].map((version) => enriched('a', version)));
    await line.caughtUp();
    expect(await drain('a', true)).toEqual({ drained: 2, dropped: 1, stoppedBy: null });
    expect(await countOf(line.database, 'a')).toBe(2);
  });

  it('is one whose handler throws too, and not one under which another organisation has sent something', async () => {
    const foreign = { ...enriched('a', 2), data: { ...enriched('a', 2).data, orgId: sampleId('another org') } };
    await line.publish(enriched('a', 1), foreign, enriched('a', 3));
    await line.publish(enriched('b', 1, { company: sampleCompany({ industry: 'Bugs' }) }), enriched('b', 2));
    await line.caughtUp();
    expect([await countOf(line.database, 'a'), await countOf(line.database, 'b')]).toEqual([2, 0]);
    expect(await parked()).toEqual([['tally', sampleId('b'), 2, 'PRC_ERR_HANDLER_FAULT']]);
  });

  it('drops repeats of what was decided before it was parked, and parks a message once', async () => {
    broken.add(id('a', 2));
    await line.publish(enriched('a', 1), enriched('a', 2), enriched('a', 1), enriched('a', 3), enriched('a', 3));
    await line.caughtUp();
    broken.clear();
    expect(await drain('a')).toMatchObject({ stoppedBy: null });
    await line.caughtUp();
    expect(await scoresOf('a')).toEqual([1, 2, 3].map((n) => [n, n]));
  });
});

describe('a drain', () => {
  it('and the batches that run beside it leave no message out and decide none twice', async () => {
    broken.add(id('a', 1));
    await line.publish(enriched('a', 1));
    await line.caughtUp();
    broken.clear();
    const publishing = (async () => {
      for (let version = 2; version <= 60; version += 1) await line.publish(enriched('a', version));
    })();
    for (let round = 0; round < 20; round += 1) await drain('a');
    await publishing;
    await line.caughtUp();
    await drain('a');
    await line.caughtUp();
    expect(await countOf(line.database, 'a')).toBe(60);
    expect(await scoresOf('a')).toEqual(Array.from({ length: 60 }, (_, n) => [n + 1, n + 1]));
    expect(await rowsIn(line.database, 'parked')).toBe(0);
  });

  it('waits for a batch that has seen the key parked, so that nothing stays behind it', async () => {
    broken.add(id('a', 1));
    await line.publish(enriched('a', 1));
    await line.caughtUp();
    broken.clear();
    const inside = Promise.withResolvers<undefined>();
    const release = Promise.withResolvers<undefined>();
    line.onFault(async (point) => {
      if (point !== 'processor.loaded') return;
      inside.resolve(undefined);
      await release.promise;
    });
    await line.publish(enriched('a', 2));
    await inside.promise;
    const ended = { is: false };
    const drained = drain('a').finally(() => {
      ended.is = true;
    });
    await eventually('the drain to wait, or to be over', async () => {
      const waits = await line.database.exists(sql.unsafe`
        select from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and not l.granted and a.datname = current_database()
      `);
      return waits || ended.is;
    });
    line.onFault(null);
    release.resolve(undefined);
    expect(await drained).toEqual({ drained: 2, dropped: 0, stoppedBy: null });
    expect([await countOf(line.database, 'a'), await rowsIn(line.database, 'parked')]).toEqual([2, 0]);
  });
});
