/** What belongs to one organisation is not there for another: by command, by event, on a real database. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallReported } from '@lead-flood/contracts';
import type { UntypedApplier } from '@lead-flood/processor';
import type { TestDatabase } from '@lead-flood/testing';
import { sampleId, sampleOrg, sampleScored } from '@lead-flood/testing';
import type { Task } from '../src/task/domain/task.ts';
import { taskIdOf } from '../src/task/processor.ts';
import { tasks } from '../src/task/store.ts';
import { hire } from './hire.ts';
import { openTasks } from './open-tasks.ts';

const leadId = sampleId('tenant-lead');
const taskId = taskIdOf(leadId);
const stranger = sampleId('another-organisation');

const started = (orgId: string, id = taskId): CallReported => ({
  orgId,
  eventId: 'evt_started',
  type: 'call.started',
  callId: `call_${orgId}`,
  taskId: id,
  callerId: null,
  occurredAt: 0,
  durationSeconds: null,
  recordingUrl: null,
});

describe('a call task of one organisation', () => {
  let test: TestDatabase;
  let applier: UntypedApplier<Task>;

  beforeAll(async () => {
    ({ test, applier } = await openTasks());
    await hire(test.database, sampleOrg, sampleId('caller'));
    await hire(test.database, stranger, sampleId('their-caller'));
    const owner = { key: taskId, orgId: sampleOrg, correlationId: 'test' };
    await applier.apply({ ...owner, name: 'LeadScored', data: sampleScored({ leadId, band: 'MEDIUM' }) });
    await applier.apply({
      ...owner,
      name: 'AssignTask',
      data: { orgId: sampleOrg, taskId, callerId: sampleId('caller') },
    });
  });
  afterAll(() => test.drop());

  const asStranger = (name: string, data: object): Promise<unknown> =>
    applier.apply({
      name,
      key: taskId,
      orgId: stranger,
      correlationId: 'test',
      data: { orgId: stranger, taskId, ...data },
    });

  it('[C-26] is unknown to another one, exactly as an id that does not exist', async () => {
    const foreign = asStranger('RequeueTask', { reason: 'mine now' });
    const absent = applier.apply({
      name: 'RequeueTask',
      key: sampleId('absent'),
      orgId: stranger,
      correlationId: 'test',
      data: { orgId: stranger, taskId: sampleId('absent'), reason: 'mine now' },
    });
    await expect(foreign).rejects.toMatchObject({ code: 'CAL_ERR_UNKNOWN_TASK', message: 'there is no such task' });
    await expect(absent).rejects.toMatchObject({ code: 'CAL_ERR_UNKNOWN_TASK', message: 'there is no such task' });
  });

  it('is not overwritten by a foreign event either', async () => {
    await expect(
      asStranger('LeadScored', sampleScored({ orgId: stranger, leadId, band: 'MEDIUM' })),
    ).rejects.toMatchObject({ code: 'PRC_ERR_FOREIGN_ORG' });
    const stored = await tasks.loadOf(test.database, sampleOrg, taskId);
    expect(stored).toMatchObject({ orgId: sampleOrg, state: { status: 'ASSIGNED' } });
    expect(await tasks.loadOf(test.database, stranger, taskId)).toBeNull();
  });

  it('[C-26] is not dialled by a call that another one’s account reports', async () => {
    await expect(asStranger('CallReported', started(stranger))).resolves.toMatchObject({
      outcome: { outcome: 'skipped', reason: 'call_without_effect' },
    });
    expect(await tasks.loadOf(test.database, sampleOrg, taskId)).toMatchObject({ state: { status: 'ASSIGNED' } });
  });

  it('[C-26] of another organisation is dialled and ended like any other', async () => {
    const theirLead = sampleId('their-lead');
    const theirs = { key: taskIdOf(theirLead), orgId: stranger, correlationId: 'test' };
    const command = { orgId: stranger, taskId: theirs.key, callerId: sampleId('their-caller') };
    const status = async (): Promise<unknown> => {
      const found = await tasks.loadOf(test.database, stranger, theirs.key);
      return found?.state.kind === 'task' ? found.state.status : null;
    };
    const scored = sampleScored({ orgId: stranger, leadId: theirLead, band: 'MEDIUM' });
    await applier.apply({ ...theirs, name: 'LeadScored', data: scored });
    await applier.apply({ ...theirs, name: 'AssignTask', data: command });
    await applier.apply({ ...theirs, name: 'CallReported', data: started(stranger, theirs.key) });
    expect(await status()).toBe('DIALING');
    const outcome = 'INTERESTED_SIGNUP_LINK_SENT';
    await applier.apply({ ...theirs, name: 'ReportOutcome', data: { ...command, outcome } });
    expect(await status()).toBe('COMPLETED');
  });
});
