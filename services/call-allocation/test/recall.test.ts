/** A task that comes back: command, timer, topic and queue on a real database and a real broker. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LeadScored } from '@lead-flood/contracts';
import { systemClock } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { batchProcessor, createUntypedApplier, untyped, silentTelemetry } from '@lead-flood/processor';
import type { UntypedApplier } from '@lead-flood/processor';
import { createLine, eventually, sampleId, sampleOrg, samplePerson, sampleScored } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { z } from 'zod';
import type { Task } from '../src/task/domain/task.ts';
import { createCallAllocation, taskIdOf } from '../src/task/processor.ts';
import { tasks } from '../src/task/store.ts';
import { hire } from './hire.ts';

const HOUR_MS = 3_600_000;
const processor = createCallAllocation({ retryMs: 48 * HOUR_MS, chaseMs: 24 * HOUR_MS, recallsMax: 3 });
const callerId = sampleId('caller');

/** Each lead is another person: silence holds for all leads with one number. */
const numbers = new Map<string, number>();
function medium(leadId: string): LeadScored {
  const n = numbers.get(leadId) ?? numbers.size;
  numbers.set(leadId, n);
  const person = samplePerson({ email: `lead${n}@aurora.se.example`, phone: `+4684650041${n}` });
  return sampleScored({ leadId, band: 'MEDIUM', person });
}

let line: Line;
let applier: UntypedApplier<Task>;
beforeAll(async () => {
  line = await createLine(batchProcessor(processor), {
    schema: 'call_allocation',
    migrations: join(import.meta.dirname, '../migrations'),
  });
  applier = createUntypedApplier(untyped(processor), {
    database: line.database,
    codec: line.codec,
    clock: systemClock,
    wakeRelay: () => undefined,
    telemetry: silentTelemetry,
  });
  await line.start();
  await hire(line.database, sampleOrg, callerId);
});
afterAll(() => line.close());

const command = (name: string, taskId: string, data: object): Promise<unknown> =>
  applier.apply({
    name,
    key: taskId,
    orgId: sampleOrg,
    correlationId: 'test',
    data: { orgId: sampleOrg, taskId, callerId, ...data },
  });

async function completed(who: string, outcome: string): Promise<string> {
  const leadId = sampleId(who);
  const taskId = taskIdOf(leadId);
  await line.publish({ name: 'LeadScored', version: 1, data: medium(leadId) });
  await line.caughtUp();
  await command('AssignTask', taskId, {});
  await command('ReportOutcome', taskId, { outcome });
  return taskId;
}

const statusOf = async (taskId: string) => {
  const stored = await tasks.loadOf(line.database, sampleOrg, taskId);
  return stored?.state.kind === 'task' ? stored.state.status : null;
};
const dueIn = async (taskId: string): Promise<number | null> => {
  const due = await line.database.maybeOneFirst(
    sql.type(z.object({ due_at: z.number() }))`select due_at from timers where key = ${taskId}`,
  );
  return due === null ? null : due - Date.now();
};

describe('a completed task', () => {
  it.each([
    ['RETRYABLE_REJECTION', 48 * HOUR_MS],
    ['INTERESTED_SIGNUP_LINK_SENT', 24 * HOUR_MS],
  ])('[CA-10] with %s waits for its hour and is in the queue again', async (outcome, delayMs) => {
    const taskId = await completed(outcome, outcome);
    expect(await statusOf(taskId)).toBe('COMPLETED');
    expect(Math.abs(((await dueIn(taskId)) ?? 0) - delayMs)).toBeLessThan(60_000);
    await line.database.query(sql.unsafe`update timers set due_at = now() where key = ${taskId}`);
    await eventually('the task to be callable', async () => (await statusOf(taskId)) === 'PENDING');
    await command('AssignTask', taskId, {});
    expect(await statusOf(taskId)).toBe('ASSIGNED');
    await command('ReportOutcome', taskId, { outcome: 'NEVER_CONTACT_AGAIN' });
  });

  it('[CA-10] with NEVER_CONTACT_AGAIN never is, and the lead is not called under a new score either', async () => {
    const taskId = await completed('never', 'NEVER_CONTACT_AGAIN');
    expect(await dueIn(taskId)).toBeNull();
    await line.database.query(sql.unsafe`delete from call_tasks where key = ${taskId}`);
    const again = medium(sampleId('never'));
    await line.publish({ name: 'LeadScored', version: 2, data: again });
    await line.caughtUp();
    const declined = (await line.events('call-allocation.task.v1')).filter(({ name }) => name === 'CallTaskDeclined');
    expect(declined).toMatchObject([{ data: { leadId: sampleId('never'), reason: 'suppressed' } }]);
  });
});

describe('a lead that is merged into another one', () => {
  it('loses its task, and gets none by a later score', async () => {
    const leadId = sampleId('loser');
    const taskId = taskIdOf(leadId);
    await line.publish({ name: 'LeadScored', version: 1, data: medium(leadId) });
    await line.caughtUp();
    const merge = { orgId: sampleOrg, leadId: sampleId('survivor'), mergedLeadId: leadId, evidence: [], mergedAt: 1 };
    await line.publish({ name: 'LeadMerged', version: 1, data: merge });
    await line.caughtUp();
    expect(await statusOf(taskId)).toBe('CANCELLED');
    const early = sampleId('merged-before-its-score');
    await line.publish({ name: 'LeadMerged', version: 2, data: { ...merge, mergedLeadId: early } });
    await line.caughtUp();
    await line.publish({ name: 'LeadScored', version: 1, data: medium(early) });
    await line.caughtUp();
    const declined = (await line.events('call-allocation.task.v1')).filter(
      ({ name, data }) => name === 'CallTaskDeclined' && (data as { leadId: string }).leadId === early,
    );
    expect(declined).toMatchObject([{ data: { reason: 'merged' } }]);
  });
});
