/** The doors of those who work with leads: callers and their tasks, the inbox. Real gateway, real owners. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallerView, CallTaskView, ThreadSummary } from '@lead-flood/contracts';
import { callTaskStatuses } from '@lead-flood/contracts';
import { randomId } from '@lead-flood/kernel';
import { eventually, samplePerson, sampleScored } from '@lead-flood/testing';
import type { Ask, Doors } from './open-doors.ts';
import { issuesOf, openDoors, statusesByRole } from './open-doors.ts';
import { openPlace } from './places.ts';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors.close());

const statusesOf = (path: string, ask: Ask): Promise<Record<string, number>> => statusesByRole(doors, path, ask);

const callerBody = (overrides: object = {}) => ({
  email: `caller.${randomId().slice(0, 8)}@demo.lead-flood.example`,
  name: 'Ana',
  timezone: 'Europe/Stockholm',
  languageCodes: ['sv', 'en'],
  regionIsoCodes: ['SE'],
  ...overrides,
});
const createCaller = async (overrides: object = {}): Promise<CallerView> =>
  (await doors.ask<CallerView>('/v1/callers', { json: callerBody(overrides) })).body;

describe('callers', () => {
  it('[CA-01] are created with their zone, languages and regions; [CA-02] read and changed field by field', async () => {
    const body = callerBody({ metadata: { team: 'north' } });
    const told = await doors.ask<CallerView>('/api/v1/callers', { json: body });
    expect([told.status, told.body]).toMatchObject([201, body]);
    const { id } = told.body;
    expect((await doors.ask(`/api/v1/callers/${id}`)).body).toEqual(told.body);
    const patched = await doors.ask<CallerView>(`/api/v1/callers/${id}`, { method: 'PATCH', json: { name: 'Anna' } });
    expect([patched.status, patched.body]).toMatchObject([200, { ...body, name: 'Anna' }]);
    expect((await doors.ask<CallerView>(`/api/v1/callers/${id}`)).body).toEqual(patched.body);
  });

  it('[CA-01] [CA-02] have their languages, regions and zone in one spelling, however they were written', async () => {
    const canonical = { languageCodes: ['en'], regionIsoCodes: ['AU', 'GB'], timezone: 'Australia/Sydney' };
    for (const languageCodes of [['EN'], ['en-AU'], ['en'], ['en', 'EN-gb']]) {
      const written = { languageCodes, regionIsoCodes: ['au', 'uk', 'GB'], timezone: 'australia/sydney' };
      expect(await createCaller(written)).toMatchObject(canonical);
      const { id } = await createCaller();
      const told = await doors.ask(`/v1/callers/${id}`, { method: 'PATCH', json: written });
      expect([told.status, told.body]).toMatchObject([200, canonical]);
    }
  });

  it('[CA-01] [CA-02] are the business of administrators and operators', async () => {
    const { id } = await createCaller();
    const forbidden = { member: 403, viewer: 403, caller: 403 };
    expect(await statusesOf(`/v1/callers/${id}`, {})).toEqual({ admin: 200, ops: 200, ...forbidden });
    const renamed = await statusesOf(`/v1/callers/${id}`, { method: 'PATCH', json: { name: 'Bo' } });
    expect(renamed).toEqual({ admin: 200, ops: 200, ...forbidden });
    for (const role of ['admin', 'ops', 'member', 'viewer', 'caller'] as const) {
      const told = await doors.ask('/v1/callers', { as: doors.tokens[role], json: callerBody() });
      expect([role, told.status]).toEqual([role, role === 'admin' || role === 'ops' ? 201 : 403]);
    }
  });

  it.each<[string, object, string]>([
    ['no address', { email: 'ana at home' }, 'body.email'],
    ['an empty name', { name: ' ' }, 'body.name'],
    ['a zone that is none', { timezone: 'Mars/Base' }, 'body.timezone'],
    ['an offset for a zone', { timezone: '+05:00' }, 'body.timezone'],
    ['no language', { languageCodes: [] }, 'body.languageCodes'],
    ['a language of one letter', { languageCodes: ['s'] }, 'body.languageCodes.0'],
    ['a language that does not exist', { languageCodes: ['en', 'xx'] }, 'body.languageCodes.1'],
    ['a region that does not exist', { regionIsoCodes: ['XX'] }, 'body.regionIsoCodes.0'],
    ['no region', { regionIsoCodes: [] }, 'body.regionIsoCodes'],
    ['a region of three letters', { regionIsoCodes: ['SWE'] }, 'body.regionIsoCodes.0'],
    ['a field that is none', { salary: 5 }, 'body'],
  ])('[CA-01] [CA-02] with %s are refused, when created and when changed', async (_what, wrong, path) => {
    const { id } = await createCaller();
    for (const told of [
      await doors.refusal('/v1/callers', { json: callerBody(wrong) }),
      await doors.refusal(`/v1/callers/${id}`, { method: 'PATCH', json: wrong }),
    ]) {
      expect([told.status, told.code]).toEqual([400, 'invalid_payload']);
      expect(issuesOf(told.details)).toContain(path);
    }
  });

  it('[CA-01] [CA-02] have an address of their own, in whatever spelling', async () => {
    const [first, second] = [await createCaller(), await createCaller()];
    for (const email of [first.email, first.email.toUpperCase()]) {
      const taken = { status: 409, code: 'conflict', details: { code: 'CAL_ERR_CALLER_EXISTS' } };
      expect(await doors.refusal('/v1/callers', { json: callerBody({ email }) })).toMatchObject(taken);
      expect(await doors.refusal(`/v1/callers/${second.id}`, { method: 'PATCH', json: { email } })).toMatchObject(
        taken,
      );
    }
    // Another organisation may employ the same person.
    const elsewhere = { as: doors.tokens.stranger, json: callerBody({ email: first.email }) };
    expect((await doors.ask('/v1/callers', elsewhere)).status).toBe(201);
  });

  it('[CA-02] that are unknown, or another organisation’s, are not there', async () => {
    const { id } = await createCaller();
    const as = doors.tokens.stranger;
    for (const [path, ask] of [
      [`/v1/callers/${randomId()}`, {}],
      [`/v1/callers/${id}`, { as }],
      [`/v1/callers/${id}`, { as, method: 'PATCH', json: { name: 'Taken' } }],
    ] as const)
      expect(await doors.refusal(path, ask)).toMatchObject({
        status: 404,
        details: { code: 'CAL_ERR_UNKNOWN_CALLER' },
      });
  });
});

describe('call tasks', () => {
  const place = openPlace(Date.now());
  const projectId = randomId();
  /** Each task is another person's: a wish for silence holds for all leads with one number. */
  const phoneOf = (rank: number): string => `${place.phone.slice(0, -1)}${rank - 50}`;
  type Current = { readonly task: CallTaskView | null };
  type List = { readonly items: readonly CallTaskView[] };
  const taskIds: string[] = [];
  let caller: CallerView;
  let token: string;

  const operator = async (query: string): Promise<readonly CallTaskView[]> =>
    (await doors.ask<List>(`/api/v1/call-tasks/operator/tasks?${query}`, { as: doors.tokens.ops })).body.items;
  const current = async (as: string): Promise<CallTaskView | null> =>
    (await doors.ask<Current>('/api/v1/call-tasks/current', { as })).body.task;
  const newCaller = async (): Promise<string> => {
    const { id } = await createCaller({ languageCodes: [place.language], regionIsoCodes: [place.region] });
    return doors.mint(id, 'caller');
  };

  beforeAll(async () => {
    caller = await createCaller({ languageCodes: [place.language], regionIsoCodes: [place.region] });
    token = await doors.mint(caller.id, 'caller');
    for (let rank = 55; rank < 60; rank += 1) {
      const data = sampleScored({
        orgId: doors.orgId,
        leadId: randomId(),
        band: 'MEDIUM',
        value: rank,
        projectId,
        person: samplePerson({ email: `task${rank}@aurora.se.example`, phone: phoneOf(rank) }),
      });
      await doors.publish({ name: 'LeadScored', data, version: 1 });
    }
    await eventually('five tasks', async () => (await operator(`projectId=${projectId}`)).length === 5);
  });

  it('[CA-04] the current one is assigned when there is none, and stays the same until it is done', async () => {
    const given = await current(token);
    expect(given).toMatchObject({ status: 'ASSIGNED', callerId: caller.id, phone: phoneOf(59), projectId });
    expect(await current(token)).toEqual(given);
    taskIds.push(given?.id ?? '');
    const done = await doors.ask(`/v1/call-tasks/${given?.id}/outcome`, {
      as: token,
      json: { outcome: 'NEVER_CONTACT_AGAIN' },
    });
    expect(done.status).toBe(200);
    const next = await current(token);
    expect(next).toMatchObject({ status: 'ASSIGNED', callerId: caller.id });
    expect(next?.id).not.toBe(given?.id);
    taskIds.push(next?.id ?? '');
  });

  it('[CA-04] two requests of one caller in the same moment end with one task', async () => {
    const as = await newCaller();
    await Promise.all([1, 2, 3].map(() => doors.ask('/v1/call-tasks/current', { as })));
    const held = await current(as);
    expect(held).not.toBeNull();
    expect(await current(as)).toEqual(held);
    expect(
      (await operator(`projectId=${projectId}&status=ASSIGNED`)).filter((t) => t.callerId === held?.callerId),
    ).toHaveLength(1);
  });

  it('[CA-04] is for callers; who is none is told so', async () => {
    expect(await statusesOf('/v1/call-tasks/current', {})).toMatchObject({ ops: 403, member: 403, viewer: 403 });
    const nobody = await doors.mint(randomId(), 'caller');
    expect(await doors.refusal('/v1/call-tasks/current', { as: nobody })).toMatchObject({
      status: 404,
      details: { code: 'CAL_ERR_UNKNOWN_CALLER' },
    });
  });

  it('[CA-02] [CA-04] whoever is paused is given none until active again, and is listed as paused', async () => {
    const as = await newCaller();
    const held = await current(as);
    const callerId = held?.callerId ?? '';
    const set = (allocationStatus: string) =>
      doors.ask<CallerView>(`/v1/callers/${callerId}`, { method: 'PATCH', json: { allocationStatus } });
    expect((await set('PAUSED')).body).toMatchObject({ allocationStatus: 'PAUSED' });
    // The one that is held stays; there is no next one.
    expect(await current(as)).toEqual(held);
    const requeue = `/v1/call-tasks/operator/tasks/${held?.id ?? ''}/requeue`;
    expect((await doors.ask(requeue, { json: { reason: 'away' } })).status).toBe(200);
    expect(await current(as)).toBeNull();
    const listed = async (status: string): Promise<string[]> => {
      const told = await doors.ask<{ items: CallerView[] }>(`/v1/callers?limit=100&allocationStatus=${status}`);
      return told.body.items.map(({ id }) => id);
    };
    expect([await listed('PAUSED'), (await listed('ACTIVE')).includes(callerId)]).toEqual([[callerId], false]);
    // Other changes leave the status alone.
    const renamed = { method: 'PATCH', json: { name: 'Bo' } };
    expect((await doors.ask(`/v1/callers/${callerId}`, renamed)).body).toMatchObject({ allocationStatus: 'PAUSED' });
    expect((await set('RESTRICTED_FRAUD')).status).toBe(400);
    expect((await set('ACTIVE')).status).toBe(200);
    const next = await current(as);
    expect(next).toMatchObject({ status: 'ASSIGNED', callerId });
    // As it was: those who come next count the tasks.
    const back = `/v1/call-tasks/operator/tasks/${next?.id ?? ''}/requeue`;
    expect((await doors.ask(back, { json: { reason: 'done' } })).status).toBe(200);
  });

  it('[CA-04] without a match there is none', async () => {
    const { id } = await createCaller({ languageCodes: ['eo'], regionIsoCodes: [place.region] });
    expect(await current(await doors.mint(id, 'caller'))).toBeNull();
  });

  it.each(callTaskStatuses)('[CA-06] the operator filters by %s', async (status) => {
    const items = await operator(`status=${status}&projectId=${projectId}`);
    expect(items.every((task) => task.status === status)).toBe(true);
    const all = await operator(`projectId=${projectId}`);
    expect(items.map(({ id }) => id).toSorted()).toEqual(
      all
        .filter((task) => task.status === status)
        .map(({ id }) => id)
        .toSorted(),
    );
  });

  it('[CA-06] the operator sees who has what', async () => {
    const statuses = new Map((await operator(`projectId=${projectId}`)).map(({ id, status }) => [id, status]));
    expect(taskIds.map((id) => statuses.get(id))).toEqual(['COMPLETED', 'ASSIGNED']);
    expect([...statuses.values()].toSorted()).toEqual(['ASSIGNED', 'ASSIGNED', 'COMPLETED', 'PENDING', 'PENDING']);
    expect(await operator(`projectId=${randomId()}`)).toEqual([]);
    expect(await operator(`projectId=${projectId}&limit=2`)).toHaveLength(2);
  });

  it.each(['limit=0', 'limit=101', 'limit=many', 'status=LOST', 'projectId=best', 'page=2'])(
    '[CA-06] refuses the filter %s',
    async (query) => {
      expect(await doors.refusal(`/v1/call-tasks/operator/tasks?${query}`)).toMatchObject({
        status: 400,
        code: 'invalid_payload',
      });
    },
  );

  it('[CA-06] is for administrators and operators, each of their own organisation', async () => {
    expect(await statusesOf('/v1/call-tasks/operator/tasks?limit=100', {})).toEqual({
      admin: 200,
      ops: 200,
      member: 403,
      viewer: 403,
      caller: 403,
    });
    const told = await doors.ask<List>('/v1/call-tasks/operator/tasks', { as: doors.tokens.stranger });
    expect(told.body.items).toEqual([]);
  });
});

describe('the inbox', () => {
  type Mail = { readonly messageId: string; readonly text: string; readonly headers: { key: string; value: string }[] };
  type Message = { readonly id: string; readonly direction: string; readonly status: string; readonly body: string };
  type Thread = Omit<ThreadSummary, 'messages'> & { readonly messages: readonly Message[] };
  const email = `inbox.${randomId().slice(0, 8)}@aurora.se.example`;
  const leadId = randomId();
  let threadId: string;

  const mails = async (): Promise<readonly Mail[]> =>
    (await doors.control<{ mails: Mail[] }>('GET', `/mails?to=${email}`)).mails;
  const thread = async (): Promise<Thread> => (await doors.ask<Thread>(`/v1/inbox/threads/${threadId}`)).body;
  const listed = async (query: string): Promise<readonly ThreadSummary[]> =>
    (await doors.ask<{ items: ThreadSummary[] }>(`/v1/inbox/threads?${query}`)).body.items;
  const header = (mail: Mail | undefined, name: string) => mail?.headers.find(({ key }) => key === name)?.value;

  beforeAll(async () => {
    const data = sampleScored({ orgId: doors.orgId, leadId, person: samplePerson({ email }), emailStatus: 'verified' });
    await doors.publish({ name: 'LeadScored', data, version: 1 });
    const first = await eventually('the first mail', async () => (await mails())[0]);
    // Nobody answers before the sender has noted that it has sent.
    const open = await eventually('its thread', async () => (await listed('')).find((one) => one.leadId === leadId));
    threadId = open.id;
    await eventually('its delivery', async () => (await thread()).messages.some(({ status }) => status === 'SENT'));
    await doors.control('POST', `/mails/${encodeURIComponent(first.messageId)}/reply`, {
      text: 'Sounds good, tell me more',
      deliverTo: { url: `${doors.product.gateway}/webhooks/mail`, secret: doors.product.secrets.mail },
    });
    await eventually('the answer', async () => (await listed('replied=true')).some(({ id }) => id === threadId));
  });

  it('[OU-03] lists conversations with the last word and what it means', async () => {
    expect(await listed('replied=true&status=OPEN')).toEqual([
      expect.objectContaining({
        id: threadId,
        leadId,
        person: { fullName: 'Zoë Lindqvist', email },
        intent: 'interested',
        messages: 2,
        lastMessage: expect.objectContaining({ direction: 'IN' }),
      }),
    ]);
  });

  it('[OU-03] shows the history with the delivery status of every message', async () => {
    const { messages } = await thread();
    expect(messages).toMatchObject([
      { direction: 'OUT', status: 'SENT', channel: 'email', provider: 'smtp' },
      { direction: 'IN', status: 'RECEIVED', body: expect.stringContaining('tell me more') },
    ]);
  });

  it('[OU-03] a manual reply is kept and sent, as an answer to what the person wrote', async () => {
    const body = `Thursday at ten? ${randomId()}`;
    const told = await doors.ask<{ accepted: boolean; messageId: string }>(`/v1/inbox/threads/${threadId}/replies`, {
      as: doors.tokens.member,
      json: { body },
    });
    expect([told.status, told.body]).toMatchObject([202, { accepted: true }]);
    expect((await thread()).messages).toContainEqual(expect.objectContaining({ id: told.body.messageId, body }));
    const sent = await eventually('the reply in the mailbox', async () =>
      (await mails()).find((mail) => mail.text.includes(body)),
    );
    await eventually('its delivery to be visible', async () =>
      (await thread()).messages.some(({ id, status }) => id === told.body.messageId && status === 'SENT'),
    );
    const answered = await doors.control<{ mails: Mail[] }>('GET', `/mails?to=${email}`);
    expect(answered.mails).toHaveLength(2);
    // The person's own mail is at the other end; its Message-ID came in with the answer.
    expect(header(sent, 'in-reply-to')).toMatch(/^<[0-9a-f]{32}@aurora\.se\.example>$/);
    expect(header(sent, 'references')).toContain(header(sent, 'in-reply-to'));
  });

  it('[OU-03] is read by those who read and written by those who write', async () => {
    expect(await statusesOf('/v1/inbox/threads', {})).toEqual({
      admin: 200,
      ops: 200,
      member: 200,
      viewer: 200,
      caller: 403,
    });
    for (const as of [doors.tokens.viewer, doors.tokens.caller])
      expect((await doors.ask(`/v1/inbox/threads/${threadId}/replies`, { as, json: { body: 'x' } })).status).toBe(403);
    for (const json of [{}, { body: ' ' }, { body: 'x', channel: 'sms' }])
      expect((await doors.ask(`/v1/inbox/threads/${threadId}/replies`, { json })).status).toBe(400);
  });
});
