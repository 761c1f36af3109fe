/** An upload that is sent again: beside a first one that still works, and over rows that are in already. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomId } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import { createTestDatabase, eventually, sampleOrg } from '@lead-flood/testing';
import { createIdempotency } from '../src/proxy/idempotency.ts';
import type { Answer } from '../src/proxy/idempotency.ts';
import { readLeads } from '../src/uploads/csv-leads.ts';
import { migrations } from './harness.ts';

describe('the key of a request that takes longer than a minute', () => {
  let database: Database;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    ({ database, drop } = await createTestDatabase({ schema: 'ingest_gateway', migrations }));
  });
  afterAll(() => drop());

  const fail = (error: unknown): never => {
    throw error;
  };

  it('[X-ID-01] is not taken over while its holder works, and then has its answer', async () => {
    const idempotency = createIdempotency(database, fail, 20);
    const keyed = { orgId: sampleOrg, route: 'POST /v1/uploads/leads', key: randomId() };
    const ended = Promise.withResolvers<Answer>();
    let readers = 0;
    const ask = () =>
      idempotency.once(keyed, 'hash', () => {
        readers += 1;
        return ended.promise;
      });
    const first = ask();
    await eventually('the first to read', () => readers === 1);
    await database.query(sql.unsafe`update idempotency_keys set claimed_at = now() - interval '2 minutes'`);
    const isHeard = sql.unsafe`select 1 from idempotency_keys where claimed_at > now() - interval '1 minute'`;
    await eventually('the first to be heard of', () => database.exists(isHeard));
    await expect(ask()).rejects.toMatchObject({ code: 'IGW_ERR_IDEMPOTENCY_IN_PROGRESS' });
    ended.resolve({ status: 202, body: '{}' });
    await first;
    expect([(await ask()).replayed, readers]).toEqual([true, 1]);
  });
});

describe('rows that an earlier request has committed', () => {
  it('are passed over with rests, as the others are read: single leads need the core as well', async () => {
    const csv = Buffer.from(`email\n${'ann@a.example\n'.repeat(3_500)}`);
    let rests = 0;
    const rest = (): Promise<void> => {
      rests += 1;
      return Promise.resolve();
    };
    const file = (async function* whole() {
      yield await Promise.resolve(csv);
    })();
    for await (const { row } of readLeads(file, 3_000, rest)) {
      expect(row).toBe(3_001);
      break;
    }
    expect(rests).toBe(3);
  });
});
