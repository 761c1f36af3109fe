/** Which task a caller gets next (CA-19), asked of a real database. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { randomId } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import type { UntypedApplier } from '@lead-flood/processor';
import type { TestDatabase } from '@lead-flood/testing';
import { sampleOrg, sampleScored } from '@lead-flood/testing';
import { openAreas } from '../src/task/calling-area.ts';
import type { KnownCaller } from '../src/caller/domain.ts';
import { matchingTasks } from '../src/task/matching.ts';
import type { Task } from '../src/task/domain/task.ts';
import { taskIdOf } from '../src/task/processor.ts';
import { hire } from './hire.ts';
import { moveTask, zoneAt } from './zone.ts';
import { openTasks } from './open-tasks.ts';

let test: TestDatabase;
let applier: UntypedApplier<Task>;
const callerId = randomId();
let caller: KnownCaller;

beforeAll(async () => {
  ({ test, applier } = await openTasks());
  ({ caller } = await hire(test.database, sampleOrg, callerId));
});
afterEach(() => test.database.query(sql.unsafe`delete from call_tasks`));
afterAll(() => test.drop());

type Wanted = {
  readonly region?: string;
  readonly language?: string;
  readonly zones?: readonly string[];
  readonly priority?: number;
  readonly rank?: number;
  readonly minutesAgo?: number;
  readonly orgId?: string;
};

/** A task made by a scored lead, then put where the case wants it: projects with priorities are still to come. */
async function task(wanted: Wanted = {}): Promise<string> {
  const { orgId = sampleOrg, rank = 50 } = wanted;
  const leadId = randomId();
  const id = taskIdOf(leadId);
  const data = sampleScored({ orgId, leadId, band: 'MEDIUM', value: rank });
  await applier.apply({ name: 'LeadScored', key: id, orgId, correlationId: 'test', data });
  await test.database.query(sql.unsafe`
    update call_tasks set priority = ${wanted.priority ?? 0},
      queued_at = now() - make_interval(mins => ${wanted.minutesAgo ?? 0})
    where key = ${id}
  `);
  await moveTask(test.database, id, wanted);
  return id;
}
const matched = async (now = Date.now()): Promise<readonly string[]> =>
  matchingTasks(test.database, sampleOrg, caller, await openAreas(test.database, now), 10);

describe('a caller is given tasks', () => {
  it('[CA-19] of their regions only, in their languages only', async () => {
    const fits = [await task(), await task({ region: 'GB', language: 'en' })];
    await task({ region: 'NO' });
    await task({ language: 'fi' });
    expect((await matched()).toSorted()).toEqual(fits.toSorted());
  });

  it.each([
    [8, false],
    [9, true],
    [14, true],
    [19, true],
    [20, false],
    [3, false],
  ])('[CA-19] where it is %i o’clock: %s', async (hour, expected) => {
    const id = await task({ zones: [zoneAt(hour)] });
    expect(await matched()).toEqual(expected ? [id] : []);
  });

  it('[CA-19] in the hours that all zones have where only the country is known, and in every other open place', async () => {
    const spread = await task({ zones: [zoneAt(8), zoneAt(14)] });
    const both = await task({ zones: [zoneAt(9), zoneAt(14)] });
    const british = await task({ region: 'GB', language: 'en', zones: [zoneAt(20)] });
    await task({ region: 'GB', language: 'en', zones: [zoneAt(21)] });
    const found = await matched();
    expect([...found].toSorted()).toEqual([both, british].toSorted());
    expect(found).not.toContain(spread);
  });

  it('[CA-19] by the project’s priority, then the lead’s rank, then the longest wait', async () => {
    const young = await task({ priority: 1, rank: 60, minutesAgo: 1 });
    const old = await task({ priority: 1, rank: 60, minutesAgo: 90 });
    const better = await task({ priority: 1, rank: 65 });
    const urgent = await task({ priority: 9, rank: 51 });
    const plain = await task({ rank: 69, minutesAgo: 600 });
    expect(await matched()).toEqual([urgent, better, old, young, plain]);
  });

  it('[CA-19] that wait, and of their own organisation', async () => {
    const held = await task();
    await applier.apply({
      name: 'AssignTask',
      key: held,
      orgId: sampleOrg,
      correlationId: 'test',
      data: { orgId: sampleOrg, taskId: held, callerId },
    });
    await task({ orgId: randomId() });
    expect(await matched()).toEqual([]);
  });
});
