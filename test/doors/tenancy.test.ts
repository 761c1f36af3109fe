/**
 * Organisations do not see each other: every row and every event says whose it is, and through no door that reads is
 * anything of one shown to another. The doors are walked by the table of routes, so a new one cannot be forgotten.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallerView, CallTaskView, IcpView, Route, ThreadSummary } from '@lead-flood/contracts';
import { allRoutes, avroSchemas, topicOf, topics } from '@lead-flood/contracts';
import type { EventName } from '@lead-flood/contracts';
import { headerNames } from '@lead-flood/kafka';
import { randomId } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import {
  encodeTestEvent,
  eventually,
  samplePerson,
  sampleScored,
  sampleSubmitted,
  testCodec,
} from '@lead-flood/testing';
import { z } from 'zod';
import type { Doors } from './open-doors.ts';
import { csvForm, openDoors } from './open-doors.ts';
import { openPlace } from './places.ts';

const schemas = ['ingest_gateway', 'discovery', 'enrichment', 'scoring', 'outreach', 'call_allocation', 'analytics'];

/** Tables whose rows are nobody's, or somebody's by what they belong to. */
const withoutOrg: Readonly<Record<string, string>> = {
  positions: 'where a consumer group stands',
  relay_cursor: 'where the relay stands',
  outbox: 'the organisation is in the headers, as on the broker',
  timers: 'the same',
  journal: 'by message id, which is an organisation’s',
  redeliveries: 'the same',
  leases: 'which replica does what for all organisations',
  ticks: 'a clock belongs to nobody',
  migrations: 'of the schema',
  machinery_migrations: 'the same',
  organizations: 'the organisation itself',
  single_leads: 'that leads come in one by one, whoever hands them in',
  login_failures: 'before anybody is known to belong anywhere',
  refresh_tokens: 'of a session, which has it',
  upload_rows: 'of an upload, which has it',
  sequence_steps: 'of a sequence, which has it',
  provider_statistics: 'what a provider is like, over everybody',
};

let doors: Doors;
const email = `tenant.${randomId().slice(0, 8)}@aurora.se.example`;
/** What belongs to the first organisation, by the name of the parameter that asks for it. */
const ids: Record<string, string> = {};
let taskId: string;
let deadLetterId: string;

beforeAll(async () => {
  doors = await openDoors();
  const lead = await doors.ask<{ leadId: string; jobId: string }>('/v1/leads', { json: { email, firstName: 'Zoë' } });
  const icp = await doors.ask<IcpView>('/v1/icps', { json: { name: 'Ours' } });
  const rule = { fieldKey: 'hasPhone', operator: 'EQ', value: true, weight: 0.5, type: 'WEIGHTED' };
  const ruled = await doors.ask<{ id: string }>(`/v1/icps/${icp.body.id}/rules`, { json: rule });
  const caller = await doors.ask<CallerView>('/v1/callers', {
    json: { email, name: 'Ana', timezone: 'Europe/Stockholm', languageCodes: ['sv'], regionIsoCodes: ['SE'] },
  });
  const upload = await doors.ask<{ jobId: string }>('/v1/uploads/leads', { body: csvForm(`email\n,\n${email}\n`) });
  const scored = (band: 'HIGH' | 'MEDIUM') =>
    sampleScored({ orgId: doors.orgId, leadId: randomId(), band, person: samplePerson({ email }) });
  await doors.publish({ name: 'LeadScored', data: scored('HIGH') }, { name: 'LeadScored', data: scored('MEDIUM') });
  const broken = encodeTestEvent(await testCodec(), {
    name: 'LeadSubmitted',
    key: randomId(),
    data: sampleSubmitted({ orgId: doors.orgId }),
  });
  await doors.publishRaw({ ...broken, value: broken.value?.subarray(0, 20) ?? null });
  const thread = await eventually('a thread', async () => (await items<ThreadSummary>('/v1/inbox/threads'))[0]);
  const task = await eventually('a task', async () => (await items<CallTaskView>('/v1/call-tasks/operator/tasks'))[0]);
  const letter = await eventually('a dead letter', async () => (await items<{ id: string }>('/v1/dead-letters'))[0]);
  await eventually('the lead in the list', async () => (await items(`/v1/leads?q=${email}`)).length > 0);
  taskId = task.id;
  deadLetterId = letter.id;
  Object.assign(ids, { ...lead.body, icpId: icp.body.id, callerId: caller.body.id, threadId: thread.id });
  Object.assign(ids, { uploadJobId: upload.body.jobId, ruleId: ruled.body.id });
});
afterAll(() => doors.close());

async function items<T>(path: string, as?: string): Promise<readonly T[]> {
  return (await doors.ask<{ items: readonly T[] }>(path, as === undefined ? {} : { as })).body.items;
}

describe('every table', () => {
  it.each(schemas)('[C-26] of %s says whose a row is, or why it need not', async (schema) => {
    const database = await doors.database(schema);
    const without = await database.anyFirst(sql.type(z.object({ table_name: z.string() }))`
      select t.table_name from information_schema.tables t
      where t.table_schema = ${schema} and t.table_type = 'BASE TABLE' and t.table_name !~ '^outbox_'
        and not exists (
          select from information_schema.columns c
          where c.table_schema = t.table_schema and c.table_name = t.table_name and c.column_name = 'org_id'
        )
    `);
    expect(without.filter((name) => withoutOrg[name] === undefined)).toEqual([]);
  });
});

describe('every event', () => {
  it('[C-26] has the organisation among its fields', () => {
    const without = Object.entries(avroSchemas).filter(
      ([, schema]) => !JSON.stringify(schema).includes('"name":"orgId","type":"string"'),
    );
    expect(without.map(([name]) => name)).toEqual([]);
  });

  it('[C-26] carries it in its envelope, the same as in its data', async () => {
    const seen = new Set<string>();
    for (const topic of Object.keys(topics).filter((name) => name !== 'ingest.lead.v1'))
      for (const { name, data, headers } of await doors.eventsOf(topic)) {
        seen.add(name);
        expect([name, headers[headerNames.orgId]]).toEqual([name, data.orgId]);
      }
    const expected: EventName[] = ['LeadDiscovered', 'LeadScored', 'SendMessage', 'MessageSent', 'CallTaskCreated'];
    expect(expected.filter((name) => !seen.has(name)).map((name) => topicOf[name])).toEqual([]);
  });
});

/** Doors that read, with the ids of what is ours in their paths. */
function readingDoors(): [string, string][] {
  return Object.entries<Route>(allRoutes)
    .filter(([, route]) => route.method === 'GET' && route.permission !== 'public')
    .map(([name, { path }]) => [name, path]);
}

const withIds = (path: string, idOf: (param: string) => string): string =>
  path.replaceAll(/:(\w+)/g, (_whole, param: string) => idOf(param));

describe('what one organisation has', () => {
  it.each(readingDoors())('[C-26] is to another as if it were not there: %s %s', async (name, path) => {
    const ourId = (param: string): string => {
      const id = ids[name === 'uploadRows' ? 'uploadJobId' : param];
      if (id === undefined) throw new Error(`nothing of ours is known by :${param}`);
      return id;
    };
    const as = doors.tokens.stranger;
    const [ours, theirs, nobodys] = await Promise.all([
      doors.ask(withIds(path, ourId)),
      doors.ask(withIds(path, ourId), { as }),
      doors.ask(withIds(path, randomId), { as }),
    ]);
    // An administrator is no caller; everything else is there for its own organisation.
    if (name !== 'currentTask') expect(ours.status).toBe(200);
    expect(theirs.status).toBe(nobodys.status);
    for (const secret of [email, taskId, deadLetterId, doors.orgId, ...Object.values(ids)])
      expect(theirs.status === 404 ? '' : theirs.text).not.toContain(secret);
  });

  it('[C-26] is in its own lists', async () => {
    expect(await items<{ id: string }>('/v1/dead-letters')).toContainEqual(
      expect.objectContaining({ id: deadLetterId }),
    );
    const stranger = doors.tokens.stranger;
    for (const path of ['/v1/leads', '/v1/inbox/threads', '/v1/call-tasks/operator/tasks', '/v1/dead-letters'])
      expect([path, await items(path, stranger)]).toEqual([path, []]);
    const counted = (await doors.ask<{ submitted: number }>('/v1/analytics/funnel', { as: stranger })).body;
    expect(counted.submitted).toBe(0);
  });

  it.each<[string, string, () => string, object]>([
    ['answered', 'POST', () => `/v1/inbox/threads/${ids['threadId']}/replies`, { body: 'Hello' }],
    ['put back', 'POST', () => `/v1/call-tasks/operator/tasks/${taskId}/requeue`, { reason: 'mine now' }],
    ['changed', 'PATCH', () => `/v1/callers/${ids['callerId']}`, { name: 'Mine' }],
    ['deleted', 'DELETE', () => `/v1/icps/${ids['icpId']}/rules/${ids['ruleId']}`, {}],
  ])('[C-26] cannot be %s by another', async (_what, method, path, json) => {
    expect((await doors.ask(path(), { as: doors.tokens.stranger, method, json })).status).toBe(404);
  });

  it('[C-26] does not stop another from having the same person', async () => {
    const told = await doors.ask('/v1/leads', { as: doors.tokens.stranger, json: { email } });
    expect(told.status).toBe(201);
    const again = await doors.refusal('/v1/leads', { json: { email } });
    expect([again.status, again.message]).toEqual([409, expect.stringContaining(ids['leadId'] ?? '')]);
  });

  it('[C-26] is dialled and ended by its own telephone account, and by no other', async () => {
    const place = openPlace(Date.now());
    const { stranger } = doors.tokens;
    const { strangerCallerToken: strangerCaller } = doors;
    const { userId } = (await doors.ask<{ userId: string }>('/v1/auth/me', { as: strangerCaller })).body;
    const caller = await doors.ask<CallerView>('/v1/callers', {
      as: stranger,
      json: {
        email: 'caller@elsewhere.example',
        name: 'Theirs',
        timezone: place.timezone,
        languageCodes: [place.language],
        regionIsoCodes: [place.region],
        userId,
      },
    });
    const person = samplePerson({ phone: place.phone });
    const data = sampleScored({ orgId: doors.strangerOrgId, leadId: randomId(), band: 'MEDIUM', person });
    await doors.publish({ name: 'LeadScored', data, version: 1 });
    const mine = await eventually('their task', async () => {
      const told = await doors.ask<{ task: CallTaskView | null }>('/v1/call-tasks/current', { as: strangerCaller });
      return told.body.task ?? undefined;
    });
    const call = (secret: string) =>
      doors.control<{ callId: string }>('POST', '/calls', {
        toPhone: mine.phone,
        callerId: caller.body.id,
        taskId: mine.id,
        answered: true,
        durationSeconds: 40,
        deliverTo: { url: `${doors.product.gateway}/webhooks/yay`, secret },
      });
    const logged = async (callId: string) =>
      (await doors.eventsOf('call-allocation.call.v1')).find(
        ({ name, data: log }) => name === 'CallLogged' && log.callId === callId,
      );
    const status = async () =>
      (await items<CallTaskView>('/v1/call-tasks/operator/tasks', stranger)).find(({ id }) => id === mine.id)?.status;

    // The first organisation's account names their task, which stays as it is.
    const foreign = await call(doors.product.secrets.yay);
    expect((await eventually('the foreign call', () => logged(foreign.callId))).data).toMatchObject({
      orgId: doors.orgId,
    });
    expect(await status()).toBe('ASSIGNED');
    const own = await call(doors.strangerYaySecret);
    const ended = await eventually('their call', () => logged(own.callId));
    expect(ended.data).toMatchObject({ orgId: doors.strangerOrgId, taskId: mine.id, result: 'answered' });
    await eventually('their task to be dialled', async () => (await status()) === 'DIALING');
    const outcome = { outcome: 'INTERESTED_SIGNUP_LINK_SENT' };
    const told = await doors.ask(`/v1/call-tasks/${mine.id}/outcome`, { as: strangerCaller, json: outcome });
    expect([told.status, await status()]).toEqual([200, 'COMPLETED']);
  });
});
