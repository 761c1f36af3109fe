/** How imports are let in: in turn, and at the pace of the line. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaClient } from '@lead-flood/kafka';
import { createKafkaClient, createProducer, createTopics } from '@lead-flood/kafka';
import { randomId } from '@lead-flood/kernel';
import type { OutboxMessage } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import { createTestDatabase, eventually, sampleId, testEnvironment } from '@lead-flood/testing';
import { z } from 'zod';
import { admitNext, insertAdmissions } from '../src/admission/admission-store.ts';
import { startAdmission } from '../src/admission/admission.ts';
import { createSingleLeads } from '../src/admission/single-leads.ts';
import { watchLine } from '../src/admission/line-watch.ts';
import { adjust, freshRate, pass, spend } from '../src/domain/admission-rate.ts';
import type { Line } from '../src/domain/line-wait.ts';
import { lineOf, nothingSeen } from '../src/domain/line-wait.ts';
import { startGateway } from './harness.ts';
import { leadsOf } from './inputs.ts';

const fresh = freshRate(50_000);
const migrations = new URL('../migrations', import.meta.url).pathname;
const [large, small] = [sampleId('large'), sampleId('small')];

/** More than is let in at once, so that a pace is to be seen. */
const LEADS = 2_500;

describe('admission', () => {
  let test: Awaited<ReturnType<typeof createTestDatabase>>;
  beforeAll(async () => {
    test = await createTestDatabase({ schema: 'ingest_gateway', migrations });
  });
  afterAll(() => test.drop());

  const row = z.object({ topic: z.string(), key: z.string(), headers: z.string(), value: z.instanceof(Buffer) });
  const admitted = () => test.database.any(sql.type(row)`select topic, key, headers, value from outbox order by seq`);
  const insert = (orgId: string, messages: readonly OutboxMessage[]) =>
    test.database.transaction((tx) => insertAdmissions(tx, orgId, messages));

  it('lets in every lead once, byte for byte, each organisation in its own order and in its turn', async () => {
    await insert(large, leadsOf('large', 450));
    await insert(small, leadsOf('small', 3));
    const counts: number[] = [];
    for (let leads = await admitNext(test.database); leads > 0; leads = await admitNext(test.database))
      counts.push(leads);
    expect(counts).toEqual([25, 3, ...Array.from({ length: 17 }, () => 25)]);
    const rows = await admitted();
    const asSent = (name: string, count: number) =>
      leadsOf(name, count).map((message) => ({ ...message, headers: JSON.stringify(message.headers) }));
    expect(rows.filter(({ key }) => key.startsWith('large'))).toEqual(asSent('large', 450));
    expect(rows.filter(({ key }) => key.startsWith('small'))).toEqual(asSent('small', 3));
  });

  it('gives an organisation one share, however many of its lists come at once', async () => {
    const [inserted, ready] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const first = test.database.transaction(async (tx) => {
      await insertAdmissions(tx, large, leadsOf('first', 100));
      inserted.resolve(undefined);
      await ready.promise;
    });
    await inserted.promise;
    const second = { ended: false };
    const ended = insert(large, leadsOf('second', 100)).finally(() => {
      second.ended = true;
    });
    try {
      await eventually(
        'the second list to be in, or to wait for the first',
        async () =>
          second.ended ||
          (await test.database.exists(sql.unsafe`
            select 1 from pg_locks l join pg_database d on d.oid = l.database
            where l.locktype = 'advisory' and not l.granted and d.datname = current_database()
          `)),
      );
    } finally {
      ready.resolve(undefined);
      await Promise.all([first, ended]);
    }
    const turns = await test.database.anyFirst(
      sql.type(z.object({ turn: z.coerce.number() }))`select turn from admissions order by turn`,
    );
    await test.database.query(sql.unsafe`delete from admissions`);
    expect(turns).toEqual([0, 25, 50, 75, 100, 125, 150, 175]);
  });

  it('slows down while the line lets its messages wait, and takes what is free afterwards', async () => {
    await test.database.query(sql.unsafe`delete from outbox`);
    let line: Line = { queueMs: 60_000, perSecond: 100 };
    const paces: number[] = [];
    const errors: unknown[] = [];
    await insert(large, leadsOf('large', LEADS));
    const admission = startAdmission({
      database: test.database,
      watchLine: () => Promise.resolve({ look: () => Promise.resolve(line), close: () => Promise.resolve() }),
      perSecondMax: () => Promise.resolve(50_000),
      wakeRelay: () => undefined,
      onError: (error) => errors.push(error),
      onAdmitted: (_leads, perSecond) => paces.push(perSecond),
    });
    try {
      await eventually('it to slow down', () => (paces.at(-1) ?? 1_000) < fresh.perSecond / 2);
      const slow = paces.at(-1) ?? 0;
      line = { queueMs: 0, perSecond: 5_000 };
      await eventually(
        'everybody to be in',
        async () => !(await test.database.exists(sql.unsafe`select 1 from admissions`)),
      );
      expect(await admitted()).toHaveLength(LEADS);
      expect(paces.at(-1)).toBeGreaterThan(slow);
      expect(errors).toEqual([]);
    } finally {
      await admission.stop();
    }
  });

  it('counts short lists, one after the other, as the long one that they are', async () => {
    await test.database.query(sql.unsafe`delete from outbox`);
    const noLine = { look: () => Promise.resolve(null), close: () => Promise.resolve() };
    const admission = startAdmission({
      database: test.database,
      watchLine: () => Promise.resolve(noLine),
      perSecondMax: () => Promise.resolve(50_000),
      wakeRelay: () => undefined,
      onError: (error) => {
        throw error;
      },
      onAdmitted: () => undefined,
    });
    const LIST = 100;
    const lists = (fresh.allowance + fresh.perSecond) / LIST;
    const startedAt = performance.now();
    try {
      for (let i = 0; i < lists; i += 1) {
        await insert(large, leadsOf(`list ${i}`, LIST));
        admission.wake();
        await eventually(
          'the list to be in',
          async () => !(await test.database.exists(sql.unsafe`select 1 from admissions`)),
        );
      }
    } finally {
      await admission.stop();
    }
    // What the allowance of the beginning does not cover takes a second; the last list may go before its leads are paid for.
    expect(performance.now() - startedAt).toBeGreaterThan(1_000 * (1 - (2 * LIST) / fresh.perSecond));
    expect(await admitted()).toHaveLength(lists * LIST);
  });
});

describe('beside single leads', () => {
  let test: Awaited<ReturnType<typeof createTestDatabase>>;
  beforeAll(async () => {
    test = await createTestDatabase({ schema: 'ingest_gateway', migrations });
  });
  afterAll(() => test.drop());
  const fail = (error: unknown): never => {
    throw error;
  };

  it('a lead that one replica takes is known to the others, for a minute', async () => {
    const [here, there] = [createSingleLeads(test.database, fail), createSingleLeads(test.database, fail)];
    expect(await there.areComing()).toBe(false);
    here.note();
    await eventually('the other replica to know', there.areComing);
    await test.database.query(sql.unsafe`update single_leads set seen_at = seen_at - interval '61 seconds'`);
    expect(await there.areComing()).toBe(false);
  });

  it('each lead that is handed on to its owner counts, a look at one does not', async () => {
    const gateway = await startGateway();
    try {
      const token = await gateway.mint('member');
      const { areComing } = createSingleLeads(gateway.database, fail);
      await gateway.ask('/v1/leads', { token });
      expect(await areComing()).toBe(false);
      await gateway.ask('/v1/leads', { token, json: { source: 'form', email: 'p@a.example' } });
      await eventually('it to be noted', areComing);
    } finally {
      await gateway.stop();
    }
  });

  it('an import is let in at the pace that is set for it, from its first lead on', async () => {
    const [PER_SECOND_MAX, COUNT] = [60, 200];
    await test.database.transaction((tx) => insertAdmissions(tx, large, leadsOf('large', COUNT)));
    const letIn: { at: number; leads: number; perSecond: number }[] = [];
    const ended = Promise.withResolvers<undefined>();
    const admission = startAdmission({
      database: test.database,
      watchLine: () =>
        Promise.resolve({
          look: () => Promise.resolve({ queueMs: 0, perSecond: null }),
          close: () => Promise.resolve(),
        }),
      perSecondMax: () => Promise.resolve(PER_SECOND_MAX),
      wakeRelay: () => undefined,
      onError: ended.reject,
      onAdmitted: (leads, perSecond) => {
        letIn.push({ at: performance.now(), leads, perSecond });
        if (letIn.reduce((sum, one) => sum + one.leads, 0) === COUNT) ended.resolve(undefined);
      },
    });
    await ended.promise;
    await admission.stop();
    expect(letIn.every(({ perSecond }) => perSecond <= PER_SECOND_MAX)).toBe(true);
    const seconds = ((letIn.at(-1)?.at ?? 0) - (letIn[0]?.at ?? 0)) / 1_000;
    // The first second's leads go at once, and the last row before it is paid for.
    expect(seconds).toBeGreaterThan((COUNT - PER_SECOND_MAX - 2 * 25) / PER_SECOND_MAX);
  });
});

describe('the pace', () => {
  const at = (queueMs: number, perSecond: number | null): number =>
    adjust(fresh, { queueMs, perSecond }, 50_000).perSecond;

  it('is a quarter above what passes while little waits, half of it while much waits', () => {
    expect([at(0, 300), at(0, 100), at(0, null)]).toEqual([425, 175, 425]);
    // More passes than is let in (others hand in too): no reason to leap.
    expect(at(0, 9_000)).toBe(425);
    expect([at(800, 300), at(5_000, 300), at(5_000, 0)]).toEqual([fresh.perSecond, 150, 50]);
    expect(adjust(fresh, null, 50_000)).toEqual(fresh);
  });

  it('follows a lower limit at once, also where nobody can say how the line is', () => {
    const fast = { perSecond: 4_000, allowance: 1_000 };
    expect(adjust(fast, null, 100)).toEqual({ perSecond: 100, allowance: 100 });
    expect(adjust(fast, { queueMs: 0, perSecond: null }, 100)).toEqual({ perSecond: 100, allowance: 100 });
  });

  it('gives an allowance that does not pile up', () => {
    const spent = spend(fresh, fresh.allowance + 100);
    expect(spent.allowance).toBe(-100);
    expect(pass(spent, 500).allowance).toBe(fresh.perSecond / 2 - 100);
    expect(pass(spent, 3_600_000).allowance).toBe(fresh.perSecond / 4);
    expect(pass(fresh, 3_600_000)).toEqual(fresh);
  });
});

describe('the line', () => {
  const of = (place: number, end: number, group = 'g') => ({ group, topic: 't', partition: 0, place, end });

  const looks = (places: readonly ReturnType<typeof of>[]): number[] => {
    let seen = nothingSeen;
    return places.map((place, i) => {
      const [line, now] = lineOf(seen, [place], 1_000 + i * 500);
      seen = now;
      return line.queueMs;
    });
  };

  it('queues for as long as the oldest message that is not read was seen to be there', () => {
    expect(looks([of(10, 40), of(10, 90), of(60, 120), of(120, 120)])).toEqual([0, 500, 500, 0]);
  });

  it('does not take a long way for a queue, nor a queue that was there before for a way', () => {
    // Every message takes 1.5 s from its end to its place: the first looks show it, the next ones are no worse.
    const slow = Array.from({ length: 12 }, (_, i) => of(Math.max(0, i - 3) * 10, i * 10 + 10));
    expect(new Set(looks(slow).slice(5))).toEqual(new Set([1_500]));
    const later = Array.from({ length: 80 }, (_, i) => of(Math.max(0, i - 3) * 10, i * 10 + 10));
    expect(looks(later).at(-1)).toBe(0);
    // Nothing is read at all: half a minute later it is a queue still.
    const stuck = Array.from({ length: 100 }, (_, i) => of(0, i * 10 + 10));
    expect(looks(stuck).at(-1)).toBeGreaterThan(40_000);
  });

  it('passes what its slowest group passes', () => {
    const [first, seen] = lineOf(nothingSeen, [of(0, 900, 'quick'), of(0, 900, 'slow')], 1_000);
    const [second, later] = lineOf(seen, [of(800, 900, 'quick'), of(100, 900, 'slow')], 2_000);
    const [third] = lineOf(later, [of(900, 900, 'quick'), of(300, 900, 'slow')], 3_000);
    expect([first, second, third].map(({ perSecond }) => perSecond)).toEqual([null, 100, 150]);
  });

  it('is asked of real groups', async () => {
    const client: KafkaClient = createKafkaClient({
      brokers: testEnvironment().KAFKA_BROKERS.split(','),
      clientId: 'test',
      log: () => undefined,
    });
    const [topic, group] = [`wait-${randomId()}`, `wait-${randomId()}`];
    const shape = { name: topic, owner: 'test', key: null, keyOf: {}, partitions: 1, retentionDays: 1, events: [] };
    await createTopics(client, [shape], '');
    const producer = await createProducer(client);
    await producer.send([1, 2, 3].map((n) => ({ topic, key: String(n), headers: {}, value: Buffer.from('x') })));
    await producer.stop();
    const admin = client.admin();
    await admin.connect();
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '1' }] });
    const watch = await watchLine(client, [group, 'nobody-knows-this-group'], (error) => {
      throw error;
    });
    try {
      expect(await watch.look()).toEqual({ queueMs: 0, perSecond: null });
      const line = await eventually('a wait', async () => {
        const now = await watch.look();
        return now !== null && now.queueMs > 0 ? now : null;
      });
      expect(line.perSecond).toBe(0);
    } finally {
      await watch.close();
      await admin.disconnect();
    }
  });
});
