/**
 * Chapter 16: clocks.
 *
 * "Every minute, look for callers without a task." A service does not count the minutes by itself, since each of its
 * replicas would. Every replica runs a ticker, the one that holds the lease writes a tick for each period into the outbox,
 * and whoever does something every so often consumes the tick like any event:
 *
 *   ticker ──lease?──yes──▶ [ ticks │ outbox ] ──commit──▶ relay ──▶ platform.tick.v1 ──▶ consumers
 *                     └─no──▶ looks again in five seconds
 *
 * No test waits for a clock: a period passes by moving back the row that remembers the newest one, a lease runs out by
 * moving back its end.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { platformOrg, setFaultHook } from '@lead-flood/kernel';
import type { Codec } from '@lead-flood/kafka';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import { createTicker, startTicker, tickMessage } from '@lead-flood/processor';
import type { Ticker } from '@lead-flood/processor';
import type { TestDatabase } from '@lead-flood/testing';
import { createTestDatabase, eventually, testCodec } from '@lead-flood/testing';
import { at } from './example.ts';

const DAY_MS = 86_400_000;
/** A period of which no test sees the end. */
const ticks = [{ name: 'daily.count', everyMs: DAY_MS }];

let own: TestDatabase;
let database: Database;
let codec: Codec;
beforeEach(async () => {
  own = await createTestDatabase(at);
  ({ database } = own);
  codec = await testCodec();
});
afterEach(async () => {
  setFaultHook(null);
  await own.drop();
});

/** A replica whose time passes by `wait`. */
function replica(on: Database = database): Ticker & { readonly wait: (ms: number) => void } {
  let elapsed = 0;
  return {
    ...createTicker({ ticks, database: on, codec, wakeRelay: () => undefined, elapsed: () => elapsed }),
    wait: (ms) => {
      elapsed += ms;
    },
  };
}

const periodsPass = (count: number) => database.query(sql.unsafe`update ticks set period = period - ${count}`);
const leaseRunsOut = () => database.query(sql.unsafe`update leases set until = now() - interval '1 second'`);

const message = z.object({ topic: z.string(), key: z.string(), headers: z.string(), value: z.instanceof(Buffer) });
async function written() {
  const rows = await database.any(sql.type(message)`select topic, key, headers, value from outbox order by seq`);
  return rows.map((row) => ({ ...row, headers: JSON.parse(row.headers) as Record<string, string> }));
}

describe('a tick', () => {
  it('[C-23] is written once in a period, however many replicas look', async () => {
    const [first, second] = [replica(), replica()];
    for (const one of [first, second, first, second]) await one.round();
    expect(await written()).toMatchObject([{ topic: 'platform.tick.v1', key: 'daily.count' }]);
    await periodsPass(1);
    for (const one of [first, second, first, second]) {
      one.wait(DAY_MS);
      await one.round();
    }
    expect(await written()).toHaveLength(2);
  });

  it('[X-ID-02] has an id that follows from its name and period, whoever writes it and however often', () => {
    const minute = 29_555_555;
    const beat = { name: 'system.heartbeat', period: minute, dueAt: minute * 60_000 };
    const [tick, again] = [tickMessage(codec, beat), tickMessage(codec, beat)];
    expect(again).toEqual(tick);
    expect(tick).toMatchObject({
      key: 'system.heartbeat',
      headers: { 'correlation-id': 'system.heartbeat:29555555', 'org-id': platformOrg, version: String(minute) },
    });
    const next = tickMessage(codec, { ...beat, period: minute + 1 });
    expect(next.headers['message-id']).not.toBe(tick.headers['message-id']);
  });

  it('is written for the running period alone after a gap: nobody catches up with what has passed', async () => {
    await replica().round();
    await periodsPass(40);
    await leaseRunsOut();
    await replica().round();
    const [before, after, ...others] = await written();
    expect(others).toEqual([]);
    // The period that runs is the same one: only the row that remembers it was moved back.
    expect(after).toEqual(before);
  });
});

describe('a replica', () => {
  it('takes over from one that gives no sign of life any more, not before its time has passed', async () => {
    const [first, second] = [replica(), replica()];
    await first.round();
    await periodsPass(1);
    await second.round();
    expect(await written()).toHaveLength(1);
    await leaseRunsOut();
    await second.round();
    expect(await written()).toHaveLength(2);
  });

  it('[C-23] that was frozen past its lease, between its look and its write, writes nothing when it wakes', async () => {
    const wakes = Promise.withResolvers<void>();
    let looked = 0;
    setFaultHook(async (point) => {
      if (point === 'ticker.taken' && (looked += 1) === 1) await wakes.promise;
    });
    const first = replica();
    const frozen = first.round();
    await eventually('the first to hold the lease', () => looked === 1);
    await leaseRunsOut();
    await replica().round();
    expect(await written()).toHaveLength(1);
    // A new period has begun, so that only the number keeps the frozen one from writing it.
    await periodsPass(1);
    wakes.resolve();
    await frozen;
    await first.round();
    expect(await written()).toHaveLength(1);
  });

  it('that ends in order leaves the lease to the next one at once', async () => {
    const errors: Error[] = [];
    const first = startTicker({ ticks, database, codec, wakeRelay: () => undefined, onError: (e) => errors.push(e) });
    await eventually('the first tick', async () => (await written()).length === 1);
    await first.stop();
    await periodsPass(1);
    await replica().round();
    expect([(await written()).length, errors]).toEqual([2, []]);
  });

  it('between two ticks renews the lease and asks for nothing else', async () => {
    const asked: string[] = [];
    const counting = new Proxy(database, {
      get: (target, name: keyof Database) => {
        asked.push(name);
        return target[name];
      },
    });
    const first = replica(counting);
    await first.round();
    asked.length = 0;
    first.wait(5_000);
    expect(await first.round()).toBe(5_000);
    expect(asked).toEqual(['maybeOneFirst']);
  });

  it('[X-RT-01] tries a failed round again five seconds later, and no dead letter is made of it', async () => {
    let failures = 1;
    setFaultHook((point) => {
      if (point === 'db.commit.before' && failures-- > 0) throw new Error('the database is away');
    });
    const first = replica();
    await expect(first.round()).rejects.toThrow('the database is away');
    expect(await written()).toEqual([]);
    first.wait(5_000);
    await first.round();
    expect(await written()).toMatchObject([{ topic: 'platform.tick.v1' }]);
  });
});
