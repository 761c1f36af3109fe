/** A task whose message was rejected: what comes after it waits, is seen, and is decided in order when it is drained. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reject } from '@lead-flood/kernel';
import { batchProcessor, untyped } from '@lead-flood/processor';
import type { Untyped } from '@lead-flood/processor';
import { createLine, sampleId, sampleOrg, sampleScored } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import type { Parking } from '../src/task/parking.ts';
import { createParking } from '../src/task/parking.ts';
import { createCallAllocation, taskIdOf } from '../src/task/processor.ts';
import { tasks } from '../src/task/store.ts';

const mended = createCallAllocation({ retryMs: 0, chaseMs: 0, recallsMax: 3 });
const broken = sampleId('broken');
const processor: typeof mended = {
  ...mended,
  decide: {
    ...mended.decide,
    LeadScored: (state, event, ctx) =>
      event.data.leadId === broken
        ? reject('CAL_ERR_INVALID_TRANSITION', 'not yet')
        : mended.decide.LeadScored(state, event, ctx),
  },
};

let line: Line;
let parking: Parking;
beforeAll(async () => {
  line = await createLine(batchProcessor(processor), {
    schema: 'call_allocation',
    migrations: join(import.meta.dirname, '../migrations'),
  });
  const unprefixed = untyped(mended) as Untyped;
  parking = createParking({ ...doors(), processors: [unprefixed] });
  await line.start();
});
afterAll(() => line.close());

const doors = () => ({ database: line.database, codec: line.codec, wakeRelay: () => undefined });
const group = 'call-allocation';
const userId = sampleId('operator');
const asker = { orgId: sampleOrg, userId };
const key = taskIdOf(broken);
const has = async (leadId: string): Promise<boolean> =>
  (await tasks.loadOf(line.database, sampleOrg, taskIdOf(leadId))) !== null;

describe('a call task behind a rejected message', () => {
  it('waits with its later messages, and no other task does', async () => {
    const scored = (leadId: string, version: number) =>
      ({ name: 'LeadScored', version, data: sampleScored({ leadId, band: 'MEDIUM' }) }) as const;
    await line.publish(scored(broken, 1), scored(broken, 2), scored(broken, 3), scored(sampleId('other'), 1));
    await line.caughtUp();
    expect([await has(broken), await has(sampleId('other'))]).toEqual([false, true]);
    const { items } = await parking.list(sampleOrg, 10);
    expect(items).toMatchObject([{ group, key, messages: 3, code: 'CAL_ERR_INVALID_TRANSITION' }]);
  });

  it('is another organisation’s business only where it is its own', async () => {
    expect((await parking.list(sampleId('another org'), 10)).items).toEqual([]);
    const asked = { group, key, dropFirst: false };
    await expect(parking.drain({ orgId: sampleId('another org'), userId }, asked)).rejects.toMatchObject({
      code: 'CAL_ERR_NOT_PARKED',
    });
    await expect(parking.drain(asker, { ...asked, group: 'outreach' })).rejects.toMatchObject({
      code: 'CAL_ERR_NOT_PARKED',
    });
  });

  it('is not drained where that cannot be noted', async () => {
    const asked = { group, key, dropFirst: true };
    await expect(parking.drain({ orgId: sampleOrg, userId: 'no\0body' }, asked)).rejects.toThrow();
    expect((await parking.list(sampleOrg, 10)).items).toMatchObject([{ key, messages: 3 }]);
    expect((await parking.drains(sampleOrg, 10)).items).toEqual([]);
  });

  it('[X-DL-01] is given up when that is asked for, and it is noted who did that, also where the drain is stopped', async () => {
    const unmended = createParking({ ...doors(), processors: [untyped(processor) as Untyped] });
    const told = { drained: 0, dropped: 1, stoppedBy: 'CAL_ERR_INVALID_TRANSITION' };
    expect(await unmended.drain(asker, { group, key, dropFirst: true })).toEqual(told);
    expect((await parking.drains(sampleOrg, 10)).items).toMatchObject([
      { who: userId, group, key, dropFirst: true, ...told },
    ]);
    expect((await parking.drains(sampleId('another org'), 10)).items).toEqual([]);
  });

  it('is decided in order when it is drained after the mend', async () => {
    expect(await parking.drain(asker, { group, key, dropFirst: false })).toEqual({
      drained: 2,
      dropped: 0,
      stoppedBy: null,
    });
    expect(await has(broken)).toBe(true);
    const [noted] = (await parking.drains(sampleOrg, 10)).items;
    expect(noted).toMatchObject({ who: userId, key, dropFirst: false, drained: 2, dropped: 0, stoppedBy: null });
    await expect(parking.drain(asker, { group, key, dropFirst: false })).rejects.toMatchObject({
      code: 'CAL_ERR_NOT_PARKED',
    });
  });
});
