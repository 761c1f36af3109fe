/** What the clock does for callers: tick, offers and tasks on a real broker and a real database. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { topics } from '@lead-flood/contracts';
import { createTopics } from '@lead-flood/kafka';
import { platformOrg, systemClock } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import type { Queries } from '@lead-flood/postgres';
import { batchProcessor, createUntypedApplier, silentTelemetry, untyped } from '@lead-flood/processor';
import type { UntypedApplier, Running, ShellDeps } from '@lead-flood/processor';
import { createLine, dumpTables, eventually, sampleId, sampleOrg, sampleScored } from '@lead-flood/testing';
import type { Line, TestEvent } from '@lead-flood/testing';
import { lockCallers } from '../src/task/matching.ts';
import { createClock } from '../src/clock/processor.ts';
import type { Task } from '../src/task/domain/task.ts';
import { taskHandlers } from '../src/task/http.ts';
import { createCallAllocation, taskIdOf } from '../src/task/processor.ts';
import { hire } from './hire.ts';
import { moveTask } from './zone.ts';

/** The pool refuses a second connection to whoever is inside of a transaction. */
const outsideOfTransaction = AsyncLocalStorage.snapshot();

const MINUTE_MS = 60_000;
const processor = createCallAllocation({ retryMs: 0, chaseMs: 0, recallsMax: 3 });
const stranger = sampleId('another-organisation');

let line: Line;
let tasks: Running;
let applier: UntypedApplier<Task>;
beforeEach(async () => {
  line = await createLine(batchProcessor(createClock({ isOffering: true })), {
    schema: 'call_allocation',
    migrations: join(import.meta.dirname, '../migrations'),
  });
  const { client, codec, database, prefix } = line;
  const own = new Set(['call-allocation.offer.v1', 'call-allocation-clock.dead-letter.v1', 'platform.tick.v1']);
  await createTopics(
    client,
    [...processor.reads, ...processor.writes, topics['call-allocation.dead-letter.v1']].filter(
      ({ name }, i, all) => !own.has(name) && all.findIndex((topic) => topic.name === name) === i,
    ),
    prefix,
  );
  const deps: ShellDeps = {
    client,
    codec,
    database,
    clock: systemClock,
    telemetry: silentTelemetry,
    topicPrefix: prefix,
    wakeRelay: () => undefined,
    onFatal: () => undefined,
  };
  applier = createUntypedApplier(untyped(processor), deps);
  tasks = await batchProcessor(processor).start(deps);
  await line.start();
});
afterEach(async () => {
  await tasks.stop();
  await line.close();
});

const caller = (name: string, { orgId = sampleOrg, region = 'SE' } = {}) =>
  hire(line.database, orgId, sampleId(name), { name, languageCodes: ['sv'], regionIsoCodes: [region] });

/** A task that may be called now, wherever this test runs. */
async function task(name: string, { orgId = sampleOrg, value = 50 } = {}): Promise<string> {
  const leadId = sampleId('lead', name);
  const taskId = taskIdOf(leadId);
  const data = sampleScored({ orgId, leadId, band: 'MEDIUM', value });
  await applier.apply({ name: 'LeadScored', key: taskId, orgId, correlationId: 'test', data });
  await moveTask(line.database, taskId);
  return taskId;
}

/** One for the whole file: two ticks that were meant to be the same must not fall on both sides of a minute's end. */
const minute = Math.floor(Date.now() / MINUTE_MS);

/** The tick of that minute, or so many minutes before or after it. */
function tick(n = 0): TestEvent {
  const period = minute + n;
  return {
    name: 'Ticked',
    id: sampleId('tick', period),
    version: period,
    data: { orgId: platformOrg, tick: 'call-allocation.offers', period, dueAt: period * MINUTE_MS },
  };
}

const held = z.object({ caller_id: z.string(), key: z.string() });
async function holders(): Promise<Record<string, string>> {
  const rows = await line.database.any(sql.type(held)`
    select caller_id, key from call_tasks where status = 'ASSIGNED' order by caller_id
  `);
  return Object.fromEntries(rows.map((row) => [row.caller_id, row.key]));
}

/** Until the tick, the offers that follow from it and the tasks that follow from those are done. */
async function settled(): Promise<void> {
  await line.caughtUp();
  const offers = (await line.records('call-allocation.offer.v1')).length;
  await eventually('the offers to be read', async () => {
    const read = await line.database.oneFirst(sql.type(z.object({ n: z.int() }))`
      select coalesce(sum(next_offset), 0)::int8 as n from positions
      where consumer_group = 'call-allocation' and topic = ${`${line.prefix}call-allocation.offer.v1`}
    `);
    return read >= offers;
  });
  await line.caughtUp();
}

const everything = async () => ({
  tables: await dumpTables(line.database, {}),
  offers: await line.events('call-allocation.offer.v1'),
  told: await line.events('call-allocation.task.v1'),
  refused: await line.records('call-allocation.dead-letter.v1'),
});

describe('on the maintenance tick', () => {
  it('[X-SC-03] every active caller without a task is given the one that fits best, and the others are left alone', async () => {
    const names = ['ana', 'bo', 'holds', 'away', 'norwegian'];
    for (const name of names) await caller(name, name === 'norwegian' ? { region: 'NO' } : {});
    await caller('foreign', { orgId: stranger });
    const [best, good, taken] = [
      await task('best', { value: 59 }),
      await task('good', { value: 55 }),
      await task('taken'),
    ];
    await task('spare', { value: 40 });
    const foreign = await task('foreign', { orgId: stranger });
    const holds = sampleId('holds');
    await applier.apply({
      name: 'AssignTask',
      key: taken,
      orgId: sampleOrg,
      correlationId: 'test',
      data: { orgId: sampleOrg, taskId: taken, callerId: holds },
    });
    await line.database.query(
      sql.unsafe`update callers set allocation_status = 'INACTIVE', state = jsonb_set(state::jsonb, '{allocationStatus}', '"INACTIVE"')::text where key = ${sampleId('away')}`,
    );
    await line.publish(tick());
    await settled();
    const given = await holders();
    expect(given).toMatchObject({ [holds]: taken, [sampleId('foreign')]: foreign });
    expect([given[sampleId('ana')], given[sampleId('bo')]].toSorted()).toEqual([best, good].toSorted());
    expect(Object.keys(given)).toHaveLength(4);
    expect((await everything()).refused).toEqual([]);
  });

  it('[C-23] a tick that fires twice changes nothing the second time: neither tables nor events', async () => {
    await caller('ana');
    await task('first');
    await task('second');
    await line.publish(tick());
    await settled();
    const before = await everything();
    expect([before.offers.length, Object.keys(await holders()).length]).toEqual([1, 1]);
    // Whoever has finished meanwhile would be given another task by a tick that counted twice.
    await caller('bo');
    const withBo = await everything();
    await line.publish(tick());
    await settled();
    expect(await everything()).toEqual(withBo);
    expect(line.outcomes.get('duplicate:version')).toBe(1);
  });

  it('[X-SC-03] after a longer absence the ticks that have waited are passed', async () => {
    await caller('ana');
    await task('first');
    await line.publish(tick(-20), tick(-10));
    await settled();
    expect([await holders(), line.outcomes.get('skipped:overdue')]).toEqual([{}, 2]);
    await line.publish(tick());
    await settled();
    expect(Object.keys(await holders())).toEqual([sampleId('ana')]);
  });

  it('with CALL_OFFERS_ENABLED=false nobody is given what they have not asked for', async () => {
    await caller('ana');
    await task('first');
    const heard = {
      name: 'Ticked',
      id: sampleId('tick'),
      key: 'call-allocation.offers',
      orgId: platformOrg,
      version: 1,
      correlationId: 'test',
      causationId: null,
      traceparent: null,
      source: 'platform.tick.v1',
      publishedAt: Date.now(),
      data: { orgId: platformOrg, tick: 'call-allocation.offers', period: 1, dueAt: Date.now() },
    } as const;
    const callersWith = async (isOffering: boolean) =>
      (await createClock({ isOffering }).facts?.(line.database, [heard]))?.[0]?.callers.length;
    expect([await callersWith(false), await callersWith(true)]).toEqual([0, 1]);
  });

  it('[X-SC-03] a caller who asks in the same moment is given one task, and nothing is refused', async () => {
    const ana = await caller('ana');
    const asked = await task('asked', { value: 40 });
    await task('offered', { value: 59 });
    await line.database.transaction(async (tx) => {
      // As far as the caller's own request has come: the task is theirs, nobody can see it yet.
      await lockCallers(tx, [ana.id]);
      await tx.query(sql.unsafe`
        update call_tasks set status = 'ASSIGNED', caller_id = ${ana.id}, revision = revision + 1 where key = ${asked}
      `);
      const data = { orgId: sampleOrg, callerId: ana.id, offeredAt: Date.now() };
      await outsideOfTransaction(() => line.publish({ name: 'OfferTask', version: 1, data }));
      await someoneWaits(tx);
    });
    await settled();
    expect([await holders(), (await everything()).refused]).toEqual([{ [ana.id]: asked }, []]);
  });

  it('[CA-04] a request of the same moment is answered with the task that the clock has given', async () => {
    const ana = await caller('ana');
    const offered = await task('offered', { value: 40 });
    await task('asked', { value: 59 });
    const doors = taskHandlers({
      clock: systemClock,
      database: line.database,
      applier,
      parking: { list: unasked, drain: unasked, drains: unasked },
    });
    let asking: Promise<{ readonly task: { readonly id: string } | null }> | undefined;
    await line.database.transaction(async (tx) => {
      // As far as the offer has come: the task is given, nobody can see it yet.
      await lockCallers(tx, [ana.id]);
      await tx.query(sql.unsafe`
        update call_tasks set status = 'ASSIGNED', caller_id = ${ana.id}, revision = revision + 1,
          state = jsonb_set(jsonb_set(state::jsonb, '{status}', '"ASSIGNED"'), '{callerId}', to_jsonb(${ana.id}::text))::text
        where key = ${offered}
      `);
      asking = outsideOfTransaction(() => doors.currentTask(request(ana.id)));
      await someoneWaits(tx);
    });
    expect((await asking)?.task).toMatchObject({ id: offered, status: 'ASSIGNED', callerId: ana.id });
  });
});

const unasked = (): Promise<never> => Promise.reject(new Error('nobody asks for parked keys here'));
const request = (userId: string) => ({
  params: {},
  query: {},
  body: undefined,
  principal: { userId, orgId: sampleOrg, role: 'caller', scopes: [] },
  requestId: 'test',
  correlationId: 'test',
  idempotencyKey: null,
});
const someoneWaits = (tx: Queries): Promise<boolean> =>
  eventually('the other one to wait', () =>
    tx.exists(sql.unsafe`
      select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
    `),
  );
