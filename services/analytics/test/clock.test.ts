/** What analytics does by the clock, on a real broker: dead letters are retired, once a tick, one tick at a time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { derivedId, platformOrg } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { batchProcessor } from '@lead-flood/processor';
import { createLine, dumpTables, eventually, sampleId, testNow } from '@lead-flood/testing';
import type { Line, TestEvent } from '@lead-flood/testing';
import { createClock, MAINTENANCE } from '../src/clock.ts';
import { saveDeadLetters } from '../src/dead-letter-store.ts';
import { migrations } from './harness.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const FIRST = Math.floor(testNow / MINUTE_MS);

let line: Line;
beforeEach(async () => {
  line = await createLine(batchProcessor(createClock({ hotDays: 30, keptDays: 90 })), {
    schema: 'analytics',
    migrations,
  });
  await saveDeadLetters(
    line.database,
    [10, 40, 100].map((days) => ({
      topic: 'scoring.dead-letter.v1',
      partition: 0,
      offset: days,
      timestamp: testNow - days * DAY_MS,
      key: Buffer.from(`${days} days`),
      value: null,
      headers: {},
    })),
  );
});
afterEach(() => line.close());

const tick = (n: number, name = MAINTENANCE): TestEvent => ({
  name: 'Ticked',
  id: sampleId(name, n),
  version: FIRST + n,
  data: { orgId: platformOrg, tick: name, period: FIRST + n, dueAt: (FIRST + n) * MINUTE_MS },
});
const keysIn = (table: string) =>
  line.database.anyFirst(
    sql.type(z.object({ key: z.string() }))`select key from ${sql.identifier([table])} order by at`,
  );
const periodOf = (name: string) =>
  line.database.maybeOneFirst(
    sql.type(z.object({ period: z.int() }))`
      select (state::json ->> 'period')::int8 as period from clocks where key = ${derivedId('clock', name)}
    `,
  );

describe('the maintenance tick', () => {
  it('[X-SC-03] [X-DL-03] archives dead letters that are older than 30 days, and deletes very old ones', async () => {
    await line.start();
    await line.publish(tick(0));
    await line.caughtUp();
    expect([await keysIn('dead_letters'), await keysIn('dead_letter_archive')]).toEqual([['10 days'], ['40 days']]);
  });

  it('[C-23] that comes twice changes nothing the second time', async () => {
    await line.start();
    await line.publish(tick(0));
    await line.caughtUp();
    const before = await dumpTables(line.database, {});
    await line.publish(tick(0));
    await line.caughtUp();
    expect(await dumpTables(line.database, {})).toEqual(before);
    expect(Object.fromEntries(line.outcomes)).toEqual({ applied: 1, 'duplicate:version': 1 });
  });

  it('[X-SC-03] waits while the one before it is still being worked on', async () => {
    const done = Promise.withResolvers<void>();
    let begun = 0;
    line.onFault(async (point) => {
      if (point === 'processor.loaded') begun += 1;
      if (point === 'processor.saved' && begun === 1) await done.promise;
    });
    await line.start();
    await line.publish(tick(0));
    await eventually('the first tick to be worked on', () => begun === 1);
    await line.publish(tick(1));
    expect([begun, await periodOf(MAINTENANCE)]).toEqual([1, null]);
    done.resolve();
    await line.caughtUp();
    expect([begun, await periodOf(MAINTENANCE)]).toEqual([2, FIRST + 1]);
  });
});

describe('the heartbeat', () => {
  it('is remembered, and sets nothing else off', async () => {
    await line.start();
    await line.publish(tick(3, 'system.heartbeat'));
    await line.caughtUp();
    expect([await periodOf('system.heartbeat'), await keysIn('dead_letter_archive')]).toEqual([FIRST + 3, []]);
  });
});
