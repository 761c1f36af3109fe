/** How imports are let in: in turn, at the pace of the line, and what is refused before anything breaks. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaClient } from '@lead-flood/kafka';
import { createKafkaClient, createProducer, createTopics } from '@lead-flood/kafka';
import { randomId, setFaultHook } from '@lead-flood/kernel';
import type { OutboxMessage } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import { createTestDatabase, eventually, sampleId, testEnvironment } from '@lead-flood/testing';
import { z } from 'zod';
import { admitNext, insertAdmissions } from '../src/admission/admission-store.ts';
import { startAdmission } from '../src/admission/admission.ts';
import { watchLine } from '../src/admission/line-watch.ts';
import { adjust, freshRate, pass, spend } from '../src/domain/admission-rate.ts';
import type { Line } from '../src/domain/line-wait.ts';
import { lineOf, nothingSeen } from '../src/domain/line-wait.ts';
import { createPlaces } from '../src/limits/places.ts';
import type { Gateway, Told } from './harness.ts';
import { csvForm, startGateway } from './harness.ts';

const migrations = new URL('../migrations', import.meta.url).pathname;
const [large, small] = [sampleId('large'), sampleId('small')];

/** More than is let in at once, so that a pace is to be seen. */
const LEADS = 2_500;

const leadsOf = (name: string, count: number): OutboxMessage[] =>
  Array.from({ length: count }, (_, i) => ({
    topic: 'ingest.lead.v1',
    key: `${name} ${i}`,
    headers: { 'message-id': `${name} ${i}`, 'org-id': name },
    value: Buffer.from(`value of "${name}" \\ ${i}`),
  }));

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
    expect(counts).toEqual([100, 3, 100, 100, 100, 50]);
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
    expect(turns).toEqual([0, 100]);
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
      wakeRelay: () => undefined,
      onError: (error) => errors.push(error),
      onAdmitted: (_leads, perSecond) => paces.push(perSecond),
    });
    try {
      await eventually('it to slow down', () => (paces.at(-1) ?? 1_000) < freshRate.perSecond / 2);
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
});

describe('the pace', () => {
  const at = (queueMs: number, perSecond: number | null): number => adjust(freshRate, { queueMs, perSecond }).perSecond;

  it('is a quarter above what passes while little waits, half of it while much waits', () => {
    expect([at(0, 300), at(0, 100), at(0, null)]).toEqual([425, 175, 425]);
    // More passes than is let in (others hand in too): no reason to leap.
    expect(at(0, 9_000)).toBe(425);
    expect([at(800, 300), at(5_000, 300), at(5_000, 0)]).toEqual([freshRate.perSecond, 150, 50]);
    expect(adjust(freshRate, null)).toEqual(freshRate);
  });

  it('gives an allowance that does not pile up', () => {
    const spent = spend(freshRate, freshRate.allowance + 100);
    expect(spent.allowance).toBe(-100);
    expect(pass(spent, 500).allowance).toBe(freshRate.perSecond / 2 - 100);
    expect(pass(spent, 3_600_000).allowance).toBe(freshRate.perSecond / 4);
    expect(pass(freshRate, 3_600_000)).toEqual(freshRate);
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

describe('places', () => {
  it('are bounded, and one organisation does not get the last of them', () => {
    const places = createPlaces(4);
    const leave = [1, 2, 3].map(() => places.enter('discovery', large));
    expect(leave).not.toContain(null);
    expect(places.enter('discovery', large)).toBeNull();
    expect(places.enter('scoring', large)).not.toBeNull();
    expect(places.enter('discovery', small)).not.toBeNull();
    expect(places.enter('discovery', small)).toBeNull();
    leave[0]?.();
    expect(places.enter('discovery', small)).not.toBeNull();
  });
});

describe('what is refused before it breaks', () => {
  it('[GW-06] requests beyond what a service can answer in time: 503 with Retry-After, at once', async () => {
    const gateway = await startGateway({ UPSTREAM_REQUESTS_MAX: '4' });
    const gate = Promise.withResolvers<undefined>();
    try {
      const token = await gateway.mint('member');
      gateway.upstream.react = async () => {
        await gate.promise;
        return { status: 200, body: {} };
      };
      const under = [1, 2, 3].map(() => gateway.ask('/v1/leads', { token }));
      await eventually('three to be under way', () => gateway.upstream.asked.length === 3);
      const refused = await gateway.ask('/v1/leads', { token });
      expect([refused.status, refused.code(), refused.detail()]).toEqual([503, 'unavailable', 'IGW_ERR_BUSY']);
      expect(refused.headers.get('retry-after')).toBe('1');
      gate.resolve(undefined);
      expect((await Promise.all(under)).map(({ status }) => status)).toEqual([200, 200, 200]);
      expect((await gateway.ask('/v1/leads', { token })).status).toBe(200);
    } finally {
      gate.resolve(undefined);
      await gateway.stop();
    }
  });

  describe('leads for which there is no room among those that wait', () => {
    const MAX = 8;
    let gateway: Gateway;
    let token: string;
    beforeAll(async () => {
      gateway = await startGateway({ ADMISSION_WAITING_MAX: String(MAX) });
      token = await gateway.mint('member');
    });
    afterAll(() => gateway.stop());
    afterEach(async () => {
      setFaultHook(null);
      for (const table of ['admissions', 'outbox', 'uploads'])
        await gateway.database.query(sql.unsafe`delete from ${sql.identifier([table])}`);
    });
    /** Waiting leads that nobody lets in. */
    const stand = (orgId: string, count: number) => {
      setFaultHook((point) => {
        if (point === 'admission.before') throw new Error('nobody is let in');
      });
      return gateway.database.transaction((tx) => insertAdmissions(tx, orgId, leadsOf('waiting', count)));
    };
    const people = (count: number) => Array.from({ length: count }, (_, i) => ({ email: `p${i}@a.example` }));
    const doors: [string, (count: number) => Promise<Told>][] = [
      [
        'a file',
        (count) =>
          gateway.ask('/v1/uploads/leads', {
            token,
            body: csvForm(
              `email\n${people(count)
                .map(({ email }) => `${email}\n`)
                .join('')}`,
            ),
          }),
      ],
      ['a list', (count) => gateway.ask('/v1/leads/bulk', { token, json: people(count) })],
    ];
    const full = [503, 'IGW_ERR_BACKLOG_FULL', '60'];
    const told = async (send: Promise<Told>): Promise<unknown[]> => {
      const answer = await send;
      return answer.status === 202
        ? [202]
        : [answer.status, answer.detail(), ...[answer.headers.get('retry-after')].filter((after) => after !== null)];
    };
    const uploads = () => gateway.database.oneFirst(sql.unsafe`select count(*)::int from uploads`);

    it.each(doors)(
      '[GW-34] %s of an organisation that has three quarters of all: 503, nothing kept',
      async (_, send) => {
        await stand(gateway.seeded.orgId, 5);
        expect(await told(send(2))).toEqual(full);
        expect(await uploads()).toBe(0);
        expect(await told(send(1))).toEqual([202]);
      },
    );

    it.each(doors)('[GW-34] %s beside another organisation’s: only the total bounds it', async (_, send) => {
      await stand(large, 6);
      expect(await told(send(3))).toEqual(full);
      expect(await told(send(2))).toEqual([202]);
    });

    it.each(doors)('[GW-34] %s that would never fit is 413, not told to come again', async (_, send) => {
      expect(await told(send(7))).toEqual([413, 'IGW_ERR_TOO_MANY_ROWS']);
      expect(await uploads()).toBe(0);
    });

    it.each(doors)('[GW-34] %s beside another one whose rows are still coming in', async (_, send) => {
      await gateway.database.query(sql.unsafe`
        insert into uploads (id, org_id, user_id, kind, state, rows_total, committed_row)
        values (gen_random_uuid(), ${gateway.seeded.orgId}, 'user', 'csv', 'receiving', 10, 5)
      `);
      expect(await told(send(2))).toEqual(full);
      // It was cut off: nothing more will come.
      await gateway.database.query(sql.unsafe`update uploads set updated_at = now() - interval '2 minutes'`);
      expect(await told(send(2))).toEqual([202]);
    });

    it('a list that is all in is answered when it is sent again, however many wait by then', async () => {
      const headers = { 'idempotency-key': randomId() };
      const list = () => told(gateway.ask('/v1/leads/bulk', { token, json: people(3), headers }));
      expect(await list()).toEqual([202]);
      // As if the process had died before it noted its answer.
      await gateway.database.query(sql.unsafe`delete from idempotency_keys`);
      await stand(gateway.seeded.orgId, 5);
      expect(await list()).toEqual([202]);
    });

    it('[GW-34] many lists at once do not pass the bound together', async () => {
      await stand(large, 1);
      const [, send] = doors[1] ?? [];
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => told(send?.(2) ?? Promise.reject(new Error()))),
      );
      expect(answers.filter(([status]) => status === 202)).toHaveLength(3);
      expect(answers.filter(([status]) => status === 503)).toHaveLength(5);
    });
  });

  it('[GW-34] more files at once than may be: 503 with Retry-After', async () => {
    const gateway = await startGateway({ UPLOADS_AT_ONCE_MAX: '1' });
    try {
      const token = await gateway.mint('member');
      const csv = `email\n${Array.from({ length: 5_000 }, (_, i) => `p${i}@a.example\n`).join('')}`;
      const told = await Promise.all(
        [1, 2, 3].map(() => gateway.ask('/v1/uploads/leads', { token, body: csvForm(csv) })),
      );
      const refused = told.filter(({ status }) => status === 503);
      expect(told.filter(({ status }) => status === 202).length).toBeGreaterThan(0);
      expect(refused.length).toBeGreaterThan(0);
      expect(refused.map((one) => [one.detail(), one.headers.get('retry-after')])).toEqual(
        refused.map(() => ['IGW_ERR_BUSY', '5']),
      );
    } finally {
      await gateway.stop();
    }
  });
});
