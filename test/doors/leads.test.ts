/** A lead's ways in, through the real gateway into the real discovery: what a client is told, and what comes of it. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobView, LeadSubmitted, LeadView } from '@lead-flood/contracts';
import { randomId } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { eventually, sampleCompany, samplePerson, sampleSubmitted } from '@lead-flood/testing';
import { z } from 'zod';
import type { Doors, Told } from './open-doors.ts';
import { csvForm, openDoors } from './open-doors.ts';

type Created = { readonly leadId: string; readonly jobId: string };
type Page<T> = { readonly items: readonly T[]; readonly nextCursor: string | null };

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors.close());

const address = (name: string): string => `${name}.${randomId().slice(0, 8)}@aurora.se.example`;
const create = (json: object, headers: Record<string, string> = {}): Promise<Told<Created>> =>
  doors.ask<Created>('/v1/leads', { as: doors.tokens.member, json, headers });
const listed = async (q: string): Promise<readonly LeadView[]> =>
  (await doors.ask<Page<LeadView>>(`/v1/leads?q=${encodeURIComponent(q)}`)).body.items;
const leadAt = async (leadId: string): Promise<LeadView> => (await doors.ask<LeadView>(`/v1/leads/${leadId}`)).body;

const submitted = (email: string, overrides: Partial<LeadSubmitted> = {}): LeadSubmitted =>
  sampleSubmitted({
    orgId: doors.orgId,
    externalId: randomId(),
    person: samplePerson({ email, phone: null, linkedinUrl: null }),
    company: sampleCompany(),
    ...overrides,
  });

/** How many leads discovery has under an address; the list may lag, this does not. */
async function leadsOf(email: string): Promise<number> {
  const discovery = await doors.database('discovery');
  return discovery.oneFirst(sql.type(z.object({ n: z.int() }))`
    select count(distinct lead_id)::int as n from identity_keys where kind = 'email' and value = ${email}
  `);
}

describe('the state of the gateway', () => {
  it('[GW-01] /health answers without a credential', async () => {
    const told = await doors.ask('/health', { as: null });
    expect([told.status, told.body]).toEqual([200, { status: 'ok' }]);
  });

  it('[GW-03] /api/v1/system/health answers without a credential', async () => {
    const told = await doors.ask('/api/v1/system/health', { as: null });
    expect([told.status, told.body]).toEqual([200, { status: 'ok' }]);
  });
});

describe('POST /v1/leads', () => {
  it('[GW-05] answers with the ids of lead and job, and both can be read at once', async () => {
    const email = address('zoe');
    const told = await create({ email, firstName: 'Zoë', company: 'Aurora AB', customFields: { tier: 'gold' } });
    expect(told.status).toBe(201);
    expect(Object.keys(told.body).toSorted()).toEqual(['jobId', 'leadId']);
    const { leadId, jobId } = told.body;
    expect(await leadAt(leadId)).toMatchObject({
      id: leadId,
      jobId,
      person: { email },
      customFields: { tier: 'gold' },
    });
    const job = await doors.ask<JobView>(`/v1/jobs/${jobId}`);
    expect([job.status, job.body]).toMatchObject([200, { id: jobId, leadId }]);
  });

  it('[GW-05] [GW-06] refuses unknown fields with the typed error and names each of them', async () => {
    const refused = await doors.refusal('/v1/leads', { json: { email: address('amy'), credits: 5, admin: true } });
    expect(refused).toMatchObject({
      status: 400,
      code: 'invalid_payload',
      requestId: expect.stringMatching(/^[\w-]{36}$/),
      details: {
        issues: [{ path: 'body', code: 'unrecognized_keys', message: expect.stringMatching(/credits.*admin/) }],
      },
    });
  });

  it.each<[string, object, string]>([
    ['no identity', { firstName: 'Zoë' }, 'body.email'],
    ['a number for a name', { email: 'zoe@aurora.se.example', firstName: 5 }, 'body.firstName'],
    ['a country that is none', { email: 'zoe@aurora.se.example', countryIso: 'Sweden' }, 'body.countryIso'],
    ['an ICP that is no id', { email: 'zoe@aurora.se.example', icpId: 'best' }, 'body.icpId'],
  ])('[GW-06] %s is 400 and names the field', async (_what, json, path) => {
    const { status, code, details } = await doors.refusal('/v1/leads', { json });
    expect([status, code]).toEqual([400, 'invalid_payload']);
    const { issues } = details as { issues: readonly { path: string }[] };
    expect(issues.map((issue) => issue.path)).toContain(path);
  });

  it.each<[string, object, string]>([
    ['an address that cannot be one', { email: 'zoe..l@aurora.se.example' }, 'person.email'],
    ['an ICP that is not there', { email: 'zoe@aurora.se.example', icpId: randomId() }, 'icpId'],
  ])('[GW-06] %s is 400 and says why', async (_what, json, field) => {
    const { status, code, message, details } = await doors.refusal('/v1/leads', { json });
    expect([status, code, details]).toEqual([400, 'invalid_payload', { code: 'DSC_ERR_INVALID_LEAD' }]);
    expect(message).toContain(field);
  });

  it('[GW-06] [GW-33] an address that is known is 409, in whatever spelling, and makes no second lead', async () => {
    const email = address('bob');
    const { leadId } = (await create({ email })).body;
    for (const again of [email, ` ${email.toUpperCase()} `, email.replace('@', '+crm@')]) {
      const refused = await doors.refusal('/v1/leads', { json: { email: again } });
      expect(refused).toMatchObject({ status: 409, code: 'lead_exists', message: expect.stringContaining(leadId) });
    }
    expect(await leadsOf(email)).toBe(1);
  });

  it('[GW-33] of ten requests in the same moment one makes the lead', async () => {
    const email = address('race');
    const told = await Promise.all(Array.from({ length: 10 }, () => create({ email })));
    expect(told.map(({ status }) => status).toSorted()).toEqual([201, ...Array<number>(9).fill(409)]);
    expect(await leadsOf(email)).toBe(1);
  });
});

describe('one person through every door', () => {
  it('[GW-30] is one lead: by REST, as an event, in a file', async () => {
    const email = address('doors');
    const { leadId } = (await create({ email })).body;
    await doors.publish({
      name: 'LeadSubmitted',
      key: randomId(),
      data: submitted(email.toUpperCase(), {
        person: samplePerson({ email: email.toUpperCase(), phone: '+46846500412' }),
      }),
    });
    await eventually('the event to be counted', async () => (await leadAt(leadId)).submissions === 2);
    const upload = await doors.ask('/v1/uploads/leads', { body: csvForm(`email,first name\n${email},Zoë\n`) });
    expect(upload.status).toBe(202);
    const lead = await eventually('the file to be counted', async () => {
      const view = await leadAt(leadId);
      return view.submissions === 3 && view;
    });
    expect(lead.person).toMatchObject({ email, phone: '+46846500412', linkedinUrl: expect.stringContaining('zoe') });
    expect(await listed(email)).toHaveLength(1);
    expect(await leadsOf(email)).toBe(1);
  });

  it('[GW-33] the same search run twice makes no duplicates, and brings what is new', async () => {
    const emails = Array.from({ length: 20 }, (_, i) => address(`run${i}`));
    const run = (title: string) =>
      doors.publish(
        ...emails.map((email) => ({
          name: 'LeadSubmitted' as const,
          key: randomId(),
          data: submitted(email, { person: samplePerson({ email, phone: null, linkedinUrl: null, title: null }) }),
        })),
        ...emails.map((email) => ({
          name: 'LeadSubmitted' as const,
          key: randomId(),
          data: submitted(email, { person: samplePerson({ email, phone: null, linkedinUrl: null, title }) }),
        })),
      );
    await run('Buyer');
    await run('Buyer');
    const discovery = await doors.database('discovery');
    await eventually('every submission to be answered', async () => {
      const views = await Promise.all(emails.map((email) => listed(email)));
      return views.every(([view]) => view?.submissions === 4);
    });
    for (const email of emails) expect(await listed(email)).toMatchObject([{ person: { email, title: 'Buyer' } }]);
    const leads = await discovery.oneFirst(sql.type(z.object({ n: z.int() }))`
      select count(distinct lead_id)::int as n from identity_keys where value = any(${sql.array(emails, 'text')})
    `);
    expect(leads).toBe(20);
  });
});

describe('a CSV file', () => {
  const progressOf = async (jobId: string): Promise<JobView> => (await doors.ask<JobView>(`/v1/jobs/${jobId}`)).body;

  it('[GW-34] of 10,000 rows has an outcome for every one of them', { timeout: 180_000 }, async () => {
    const run = randomId().slice(0, 8);
    // 500 people, each twenty times; every hundredth row has no identity.
    const rows = Array.from({ length: 10_000 }, (_, i) =>
      i % 100 === 99 ? `,Nobody${i}` : `bulk${i % 500}.${run}@aurora.se.example,Zoë`,
    );
    const told = await doors.ask<{ jobId: string; accepted: number; refused: number }>('/v1/uploads/leads', {
      body: csvForm(`email,first name\n${rows.join('\n')}\n`),
    });
    expect([told.status, told.body]).toMatchObject([202, { accepted: 9_900, refused: 100 }]);
    const { jobId } = told.body;
    const refused = await doors.ask<Page<{ row: number; field: string }>>(`/v1/uploads/${jobId}/rows?limit=100`);
    expect(refused.body.items.map(({ row }) => row)).toEqual(Array.from({ length: 100 }, (_, i) => (i + 1) * 100));
    const job = await eventually(
      'every row to have its outcome',
      async () => {
        const seen = await progressOf(jobId);
        return seen.status === 'completed' && seen;
      },
      120_000,
    );
    expect(job).toMatchObject({ progress: { total: 10_000, accepted: 9_900, refused: 100, done: 9_900 } });
    const uploads = await doors.ask<Page<JobView>>('/v1/jobs?type=upload-csv&status=completed');
    expect(uploads.body.items.map((item) => item.id)).toContain(jobId);
    const discovery = await doors.database('discovery');
    const leads = await discovery.oneFirst(sql.type(z.object({ n: z.int() }))`
      select count(distinct lead_id)::int as n from identity_keys where value like ${`bulk%.${run}@%`}
    `);
    expect(leads).toBe(495);
  });

  it('[GW-34] is read as it comes: a header that will not do is refused before the rest is sent', async () => {
    const boundary = '----rows';
    const part = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="leads.csv"\r\n\r\nname\nZoë\n`;
    const { hostname, port } = new URL(doors.product.gateway);
    const socket = connect(Number(port), hostname);
    const answer = new Promise<string>((resolve, reject) => {
      socket.once('data', (chunk) => {
        resolve(chunk.toString('utf8'));
      });
      socket.once('error', reject);
    });
    socket.write(
      `POST /v1/uploads/leads HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${doors.tokens.member}\r\n` +
        `content-type: multipart/form-data; boundary=${boundary}\r\ncontent-length: 5000000\r\n\r\n${part}`,
    );
    expect(await answer).toMatch(/^HTTP\/1.1 400 .*IGW_ERR_CSV_HEADER/s);
    socket.destroy();
  });

  it.each([
    ['10,001 rows', `email\n${'a@aurora.se.example\n'.repeat(10_001)}`, 'IGW_ERR_TOO_MANY_ROWS'],
    [
      'more than 10 MB',
      `email\n${`${'a'.repeat(1_000)}@aurora.se.example\n`.repeat(10_500)}`,
      'IGW_ERR_FILE_TOO_LARGE',
    ],
  ])('[GW-34] of %s is refused with a code of its own', async (_what, csv, code) => {
    const { status, details, ...refused } = await doors.refusal('/v1/uploads/leads', { body: csvForm(csv) });
    expect([status, refused.code, details]).toMatchObject([413, 'payload_too_large', { code }]);
  });

  it('[GW-34] is another organisation’s business only where it is its own', async () => {
    const told = await doors.ask<{ jobId: string }>('/v1/uploads/leads', { body: csvForm('email\n,\n') });
    for (const path of [`/v1/uploads/${told.body.jobId}/rows`, `/v1/jobs/${told.body.jobId}`])
      expect((await doors.ask(path, { as: doors.tokens.stranger })).status).toBe(404);
  });
});

describe('a correlation id', () => {
  const TOPICS = ['discovery.lead.v1', 'enrichment.lead.v1', 'scoring.lead.v1'] as const;

  it.each([
    ['given', `chain-${randomId()}`],
    ['made', null],
  ])('[X-ER-04] that was %s is in the answer and in every event of the chain', async (_how, given) => {
    const told = await create({ email: address('chain') }, given === null ? {} : { 'x-correlation-id': given });
    const id = told.headers.get('x-correlation-id');
    expect(id).toBe(given ?? told.headers.get('x-request-id'));
    for (const topic of TOPICS) {
      const about = await eventually(`the lead on ${topic}`, async () => {
        const all = await doors.eventsOf(topic);
        const own = all.filter(({ data }) => 'leadId' in data && data.leadId === told.body.leadId);
        return own.length > 0 && own;
      });
      expect(about.map(({ headers }) => headers['correlation-id'])).toEqual(about.map(() => id));
    }
  });

  it('[X-ER-04] stays with the rows of a file until their events', async () => {
    const given = `file-${randomId()}`;
    const email = address('filed');
    await doors.ask('/v1/uploads/leads', {
      body: csvForm(`email\n${email}\n`),
      headers: { 'x-correlation-id': given },
    });
    await eventually('the lead of the file', async () => {
      const events = await doors.eventsOf('discovery.lead.v1');
      return events.some(
        ({ name, data, headers }) =>
          name === 'LeadDiscovered' && data.person.email === email && headers['correlation-id'] === given,
      );
    });
  });
});

/** The owner's outbox out of the way: whatever it commits with an event fails. */
async function withoutOutbox<T>(work: () => Promise<T>): Promise<T> {
  const discovery = await doors.database('discovery');
  await discovery.query(sql.unsafe`alter table outbox rename to outbox_away`);
  try {
    return await work();
  } finally {
    await discovery.query(sql.unsafe`alter table outbox_away rename to outbox`);
  }
}

describe('when something behind the door fails', () => {
  const logged = (name: 'discovery' | 'ingest-gateway', correlationId: string) =>
    eventually(`the line of ${name}`, () =>
      doors.logOf(name).find((line) => line['correlationId'] === correlationId && line['level'] === 'error'),
    );

  it('[GW-06] [GW-07] the answer is a typed 500, nothing is left, and the same request works afterwards', async () => {
    const email = address('fault');
    const given = `fault-${randomId()}`;
    const refused = await withoutOutbox(() =>
      doors.refusal('/v1/leads', { json: { email }, headers: { 'x-correlation-id': given } }),
    );
    expect(refused).toMatchObject({
      status: 500,
      code: 'internal_error',
      message: expect.not.stringContaining('outbox'),
    });
    // Lead, job and outbox row come in one transaction: without the third there is none of them.
    expect(await leadsOf(email)).toBe(0);
    expect((await create({ email })).status).toBe(201);
  });

  it('[X-ER-04] the owner’s log line has the id of the chain', async () => {
    const given = `log-${randomId()}`;
    await withoutOutbox(() => create({ email: address('logged') }, { 'x-correlation-id': given }));
    expect(await logged('discovery', given)).toMatchObject({ code: 'internal_error', requestId: expect.any(String) });
  });

  it('[GW-06] [X-ER-04] an owner that is away is 503 with Retry-After, and the gateway’s log says of which chain', async () => {
    const given = `away-${randomId()}`;
    const process = doors.product.processes.get('discovery');
    await process?.stop();
    const json = { email: address('away') };
    const told = await create(json, { 'x-correlation-id': given });
    await process?.restart();
    expect([told.status, told.headers.get('retry-after'), told.body]).toMatchObject([
      503,
      expect.stringMatching(/^\d+$/),
      { error: { code: 'unavailable' } },
    ]);
    expect(await logged('ingest-gateway', given)).toMatchObject({ code: 'unavailable' });
    expect((await create(json)).status).toBe(201);
  });

  it('[GW-07] without a broker the answer is the same, and the event comes once it is back', async () => {
    const email = address('later');
    const usual = await create({ email: address('usual') });
    await doors.stack.servers.get('kafka')?.kill();
    const told = await create({ email });
    expect([told.status, Object.keys(told.body)]).toEqual([usual.status, Object.keys(usual.body)]);
    const { leadId, jobId } = told.body;
    expect((await doors.ask<JobView>(`/v1/jobs/${jobId}`)).body).toMatchObject({ status: 'queued', leadId });
    expect(await leadAt(leadId)).toMatchObject({ stage: 'NEW', status: 'new' });
    const discovery = await doors.database('discovery');
    const waiting = await discovery.exists(sql.unsafe`
      select 1 from outbox where key = ${leadId} and (tx, seq) > (select tx, seq from relay_cursor where slot = 0)
    `);
    expect(waiting).toBe(true);
    await doors.stack.restart('kafka');
    const job = await eventually(
      'the line to go on',
      async () => {
        const { body } = await doors.ask<JobView>(`/v1/jobs/${jobId}`);
        return body.status !== 'queued' && body;
      },
      60_000,
    );
    expect(job.leadId).toBe(leadId);
    const events = (await doors.eventsOf('discovery.lead.v1')).filter(
      ({ data }) => 'leadId' in data && data.leadId === leadId,
    );
    expect(new Set(events.map(({ headers }) => headers['message-id'])).size).toBe(1);
  });
});
