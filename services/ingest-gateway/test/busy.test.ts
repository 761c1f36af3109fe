/** What is refused before anything breaks: requests, files and leads beyond what can be dealt with. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { randomId, setFaultHook } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { eventually, sampleId } from '@lead-flood/testing';
import { insertAdmissions } from '../src/admission/admission-store.ts';
import { createPlaces } from '../src/limits/places.ts';
import { seedOrganization } from '../src/seed.ts';
import type { Gateway, Told } from './harness.ts';
import { csvForm, startGateway } from './harness.ts';
import { leadsOf } from './inputs.ts';

const [large, small] = [sampleId('large'), sampleId('small')];

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

  it('[GW-34] more files of one organisation than it may have read at once: 503 with Retry-After, not for others', async () => {
    const gateway = await startGateway({ UPLOADS_AT_ONCE_MAX: '3' });
    const gate = Promise.withResolvers<undefined>();
    try {
      const other = await seedOrganization(gateway.database, 'Other');
      // After its beginning each of them stands still.
      setFaultHook(async (point) => {
        if (point === 'db.commit.after') await gate.promise;
      });
      const isRead = (files: number) => async () =>
        (await gateway.database.oneFirst(
          sql.type(z.object({ n: z.int() }))`select count(*)::int as n from uploads`,
        )) === files;
      const send = (token: string) =>
        gateway.ask('/v1/uploads/leads', { token, body: csvForm('email\na@a.example\n') });
      const own = [send(gateway.seeded.apiKey), send(gateway.seeded.apiKey)];
      await eventually('two to be read', isRead(2));
      const refused = await send(gateway.seeded.apiKey);
      expect([refused.status, refused.detail(), refused.headers.get('retry-after')]).toEqual([
        503,
        'IGW_ERR_BUSY',
        '5',
      ]);
      expect(refused.json()).toMatchObject({
        error: { message: expect.stringContaining('2 files of one organisation') },
      });
      const others = send(other.apiKey);
      await eventually('that of the other organisation to be read', isRead(3));
      gate.resolve(undefined);
      expect((await Promise.all([...own, others])).map(({ status }) => status)).toEqual([202, 202, 202]);
      expect((await send(gateway.seeded.apiKey)).status).toBe(202);
    } finally {
      gate.resolve(undefined);
      setFaultHook(null);
      await gateway.stop();
    }
  });
});
