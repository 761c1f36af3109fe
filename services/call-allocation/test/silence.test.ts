/** Silence is a person's: no lead with one of their numbers or mailboxes is called, asked of a real database. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { UntypedApplier } from '@lead-flood/processor';
import type { TestDatabase } from '@lead-flood/testing';
import { sampleId, sampleOrg, samplePerson, sampleScored } from '@lead-flood/testing';
import { openAreas } from '../src/task/calling-area.ts';
import type { Task } from '../src/task/domain/task.ts';
import { matchingTasks } from '../src/task/matching.ts';
import { taskIdOf } from '../src/task/processor.ts';
import { tasks } from '../src/task/store.ts';
import { hire } from './hire.ts';
import { moveTask } from './zone.ts';
import { openTasks } from './open-tasks.ts';

const callerId = sampleId('caller');
const stranger = sampleId('another-organisation');
let test: TestDatabase;
let applier: UntypedApplier<Task>;
beforeAll(async () => {
  ({ test, applier } = await openTasks());
  await hire(test.database, sampleOrg, callerId);
});
afterAll(() => test.drop());

const apply = (name: string, key: string, data: object, orgId = sampleOrg): Promise<unknown> =>
  applier.apply({ name, key, orgId, correlationId: 'test', data: { orgId, ...data } });

const score = (lead: string, person: object, orgId = sampleOrg): Promise<unknown> => {
  const leadId = sampleId(lead);
  const data = sampleScored({ orgId, leadId, band: 'MEDIUM', person: samplePerson(person) });
  return apply('LeadScored', taskIdOf(leadId), data, orgId);
};
const suppress = (lead: string, person: object): Promise<unknown> =>
  apply('ContactSuppressed', taskIdOf(sampleId(lead)), {
    leadId: sampleId(lead),
    person: samplePerson({ email: null, phone: null, ...person }),
    reason: 'unsubscribed',
    suppressedAt: 0,
  });
const stateOf = async (lead: string, orgId = sampleOrg) =>
  (await tasks.loadOf(test.database, orgId, taskIdOf(sampleId(lead))))?.state;
const phone = (n: number) => `+4684650041${n}`;

it('[OU-20] a lead that comes later with the number, or with the mailbox in another spelling, gets no task', async () => {
  await suppress('first', { email: 'ana@aurora.se.example', phone: phone(1) });
  await score('same-number', { email: null, phone: phone(1) });
  await score('same-mailbox', { email: ' Ana+crm@AURORA.se.example', phone: phone(2) });
  await score('somebody-else', { email: 'bo@aurora.se.example', phone: phone(3) });
  expect([await stateOf('same-number'), await stateOf('same-mailbox')]).toMatchObject([
    { kind: 'declined', reason: 'suppressed' },
    { kind: 'declined', reason: 'suppressed' },
  ]);
  expect(await stateOf('somebody-else')).toMatchObject({ kind: 'task', status: 'PENDING' });
});

it('[OU-20] a task that waited already under another lead is offered to nobody and assigned to nobody', async () => {
  await score('waiting', { email: 'eva@aurora.se.example', phone: phone(4) });
  await moveTask(test.database, taskIdOf(sampleId('waiting')), {});
  await suppress('other', { phone: phone(4) });
  const taskId = taskIdOf(sampleId('waiting'));
  const caller = { regionIsoCodes: ['SE'], languageCodes: ['sv'] };
  const open = await openAreas(test.database, Date.now());
  expect(await matchingTasks(test.database, sampleOrg, caller, open, 10)).not.toContain(taskId);
  await expect(apply('AssignTask', taskId, { taskId, callerId })).rejects.toMatchObject({ code: 'CAL_ERR_SUPPRESSED' });
});

it('[OU-20] whoever says so on the telephone is not called under another lead either', async () => {
  await score('called', { email: 'ida@aurora.se.example', phone: phone(5) });
  await moveTask(test.database, taskIdOf(sampleId('called')), {});
  const taskId = taskIdOf(sampleId('called'));
  await apply('AssignTask', taskId, { taskId, callerId });
  await apply('ReportOutcome', taskId, { taskId, callerId, outcome: 'NEVER_CONTACT_AGAIN' });
  await score('again', { email: 'ida@aurora.se.example', phone: phone(6) });
  expect(await stateOf('again')).toMatchObject({ kind: 'declined', reason: 'suppressed' });
});

it('[C-26] another organisation may call the same person', async () => {
  await score('theirs', { email: 'ana@aurora.se.example', phone: phone(1) }, stranger);
  expect(await stateOf('theirs', stranger)).toMatchObject({ kind: 'task', status: 'PENDING' });
});
