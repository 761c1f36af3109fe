/** Many leads at once: CSV files and JSON arrays, their refused rows, their jobs, and the events that come of them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { uploadRowCursor } from '@lead-flood/contracts';
import { topicEnds, createKafkaClient } from '@lead-flood/kafka';
import { randomId, setFaultHook } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { eventually, outsideOfAll, testEnvironment } from '@lead-flood/testing';
import { clean } from '../src/housekeeping.ts';
import type { Gateway, Told } from './harness.ts';
import { csvForm, startGateway } from './harness.ts';

let gateway: Gateway;
let token: string;
let usual: Gateway['upstream']['react'];
beforeAll(async () => {
  gateway = await startGateway();
  token = await gateway.mint('member', 'user-1');
  usual = gateway.upstream.react;
});
afterEach(async () => {
  setFaultHook(null);
  gateway.upstream.react = usual;
  await gateway.database.query(sql.unsafe`delete from admissions`);
  await gateway.database.query(sql.unsafe`delete from outbox`);
});
afterAll(() => gateway.stop());

const upload = (csv: string | Buffer, headers: Record<string, string> = {}): Promise<Told> =>
  gateway.ask('/v1/uploads/leads', { token, body: csvForm(csv), headers });
const people = async () => (await gateway.outbox()).map(({ data }) => data['person'] as Record<string, string | null>);
const jobOf = (told: Told): string => String(told.json()['jobId']);

describe('CSV files', () => {
  it('[GW-34] accepts good rows and refuses bad ones with their number and reason', async () => {
    const told = await upload(
      'E-mail,First name,Country\nzoe@a.example,Zoë,se\n,Nobody,SE\nbob@a.example,Bob,Sweden\n',
    );
    expect(told.status).toBe(202);
    expect(told.json()).toMatchObject({
      accepted: 1,
      refused: 2,
      rows: [
        { row: 2, field: 'email' },
        { row: 3, field: 'countryIso' },
      ],
    });
    expect(await people()).toMatchObject([{ email: 'zoe@a.example', firstName: 'Zoë' }]);
  });

  it('[GW-35] the event has the job, the row as id, the source csv, and a key that tells nothing of the person', async () => {
    const told = await upload('email,tier\nzoe@a.example,gold\n');
    const [event] = await gateway.outbox();
    expect(event?.topic).toBe('ingest.lead.v1');
    expect(event?.data).toMatchObject({
      orgId: gateway.seeded.orgId,
      source: 'csv',
      jobId: jobOf(told),
      externalId: `${jobOf(told)}:1`,
      attributes: { tier: 'gold' },
    });
    expect(event?.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(event?.headers['correlation-id']).toBe(told.headers.get('x-correlation-id'));
    expect(JSON.stringify([event?.key, event?.headers])).not.toContain('zoe');
  });

  it.each([
    ['a byte order mark', '\ufeffemail,first name\nzoe@a.example,Zoë\n'],
    ['semicolons', 'email;first name\nzoe@a.example;Zoë\n'],
    ['tabs and CRLF', 'email\tfirst name\r\nzoe@a.example\tZoë\r\n'],
    ['no newline at the end', 'email,first name\nzoe@a.example,Zoë'],
    ['empty lines', 'email,first name\n\nzoe@a.example,Zoë\n\n'],
    ['UTF-16', Buffer.from('\ufeffemail,first name\nzoe@a.example,Zoë\n', 'utf16le')],
  ])('[GW-34] reads %s', async (_what, csv) => {
    expect((await upload(csv)).json()).toMatchObject({ accepted: 1, refused: 0 });
    expect(await people()).toMatchObject([{ email: 'zoe@a.example', firstName: 'Zoë' }]);
  });

  it('[GW-34] keeps newlines, quotes and formulas inside cells as they are', async () => {
    await upload('email,title,note\n"zoe@a.example","Head of ""A"",\nand B",=1+1\n');
    const [event] = await gateway.outbox();
    expect(event?.data).toMatchObject({ person: { title: 'Head of "A",\nand B' }, attributes: { note: '=1+1' } });
  });

  it('[GW-34] names the row whose e-mail address is none, instead of taking it for discovery to refuse', async () => {
    const told = await upload('email,phone\nzoe at nowhere,\nann@nowhere,+46846500412\nok@a.example,\n');
    expect([told.status, told.json()]).toMatchObject([
      202,
      {
        accepted: 1,
        refused: 2,
        rows: [
          { row: 1, field: 'email' },
          { row: 2, field: 'email' },
        ],
      },
    ]);
  });

  it('a prototype name as header changes nothing', async () => {
    expect((await upload('email,__proto__,constructor\nzoe@a.example,x,y\n')).json()).toMatchObject({ accepted: 1 });
    expect((await gateway.outbox())[0]?.data['attributes']).toEqual({});
  });

  it('refuses a row of another encoding or with too many cells, alone', async () => {
    const told = await upload(
      Buffer.concat([
        Buffer.from('email,name\nzoe@a.example,Zo'),
        Buffer.from([0xeb]),
        Buffer.from('\nbob@a.example,Bob,extra\namy@a.example,Amy\n'),
      ]),
    );
    expect(told.json()).toMatchObject({
      accepted: 1,
      rows: [
        { row: 1, code: 'not_utf8' },
        { row: 2, code: 'too_many_cells' },
      ],
    });
  });

  it('[GW-34] never keeps or tells the values of a refused row', async () => {
    const told = await upload('email,phone,country\n,,Canary-Value\n,+46812345,Canary-Value\n');
    expect(told.text).not.toContain('Canary');
    expect(
      await gateway.database.exists(sql.unsafe`select 1 from upload_rows r where to_jsonb(r)::text like '%Canary%'`),
    ).toBe(false);
  });

  it.each([
    ['a header without identity', 'name\nZoë\n', 400, 'IGW_ERR_CSV_HEADER'],
    ['a column twice', 'email,E-Mail\na@a.example,b@a.example\n', 400, 'IGW_ERR_CSV_HEADER'],
    ['an open quote', 'email\na@a.example\n"b@a.example\n', 400, 'IGW_ERR_CSV_BROKEN'],
    ['a quote in the middle of a head', 'email,Company "Legal" name\na@a.example,A\n', 400, 'IGW_ERR_CSV_BROKEN'],
    ['quotes in a bare head', 'email,na"m"e\na@a.example,A\n', 400, 'IGW_ERR_CSV_BROKEN'],
    ['something behind a quoted head', '"email","a"b"\na@a.example,A\n', 400, 'IGW_ERR_CSV_BROKEN'],
    ['something behind the quotes', 'email,"a"b\na@a.example,A\n', 400, 'IGW_ERR_CSV_BROKEN'],
    ['an empty file', '', 400, 'IGW_ERR_CSV_HEADER'],
    ['10,001 rows', `email\n${'a@a.example\n'.repeat(10_001)}`, 413, 'IGW_ERR_TOO_MANY_ROWS'],
    ['11 MB', `email\n${`${'a'.repeat(1_000)}@a.example\n`.repeat(11_000)}`, 413, 'IGW_ERR_FILE_TOO_LARGE'],
    ['a cell without end', `email\n${'a'.repeat(200_000)}\n`, 400, 'IGW_ERR_CSV_BROKEN'],
  ])('[GW-34] %s refuses the file and leaves nothing', async (_what, csv, status, code) => {
    const before = await gateway.database.oneFirst(sql.unsafe`select count(*)::int from uploads`);
    const told = await upload(csv);
    expect([told.status, told.detail()]).toEqual([status, code]);
    expect(await gateway.outbox()).toEqual([]);
    expect(await gateway.database.oneFirst(sql.unsafe`select count(*)::int from uploads`)).toEqual(before);
  });

  it('says how large a file may be', async () => {
    const told = await upload(`email\n${`${'a'.repeat(1_000)}@a.example\n`.repeat(11_000)}`);
    expect(told.json()).toMatchObject({ error: { message: expect.stringContaining('10485760 bytes') } });
  });

  it('[GW-34] takes 10,000 rows', async () => {
    const told = await upload(`email\n${Array.from({ length: 10_000 }, (_, i) => `p${i}@a.example\n`).join('')}`);
    expect(told.json()).toMatchObject({ accepted: 10_000, refused: 0 });
    expect(
      await gateway.database.exists(
        sql.unsafe`select 1 from uploads where id = ${jobOf(told)} and state = 'received' and accepted = 10000`,
      ),
    ).toBe(true);
  });

  it('[GW-34] lists refused rows page by page; another organisation finds nothing', async () => {
    const told = await upload(`email,country\n${'a@a.example,Nowhere\n'.repeat(130)}`);
    expect(told.json()['rows']).toHaveLength(100);
    const rows: unknown[] = [];
    let cursor = '';
    do {
      const page = (await gateway.ask(`/v1/uploads/${jobOf(told)}/rows?limit=50${cursor}`, { token })).json();
      rows.push(...(page['items'] as unknown[]));
      cursor = page['nextCursor'] === null ? '' : `&cursor=${page['nextCursor'] as string}`;
    } while (cursor !== '');
    expect(rows.map((row) => (row as { row: number }).row)).toEqual(Array.from({ length: 130 }, (_, i) => i + 1));
    const far = (page: string) => gateway.ask(`/v1/uploads/${jobOf(told)}/rows?cursor=${page}`, { token });
    expect((await far('1')).status).toBe(400);
    expect((await far(uploadRowCursor.write([999_999_999]))).json()).toEqual({ items: [], nextCursor: null });
    await gateway.database.query(sql.unsafe`update uploads set org_id = gen_random_uuid() where id = ${jobOf(told)}`);
    expect((await gateway.ask(`/v1/uploads/${jobOf(told)}/rows`, { token })).detail()).toBe('IGW_ERR_UNKNOWN_UPLOAD');
  });

  it('takes files only, and only one', async () => {
    expect((await gateway.ask('/v1/uploads/leads', { token, json: {} })).status).toBe(415);
    expect((await gateway.ask('/v1/uploads/leads', { token, body: new FormData() })).status).toBe(400);
    expect(
      (await gateway.ask('/v1/uploads/leads', { token: await gateway.mint('viewer'), body: csvForm('email\n') }))
        .status,
    ).toBe(403);
  });

  it('[X-ID-01] the same file with the same key is answered from memory; another file is 422', async () => {
    const key = { 'idempotency-key': randomId() };
    const [first, second] = [await upload('email\na@a.example\n', key), await upload('email\na@a.example\n', key)];
    expect([second.status, second.text, second.headers.get('idempotency-replayed')]).toEqual([202, first.text, 'true']);
    expect(await gateway.outbox()).toHaveLength(1);
    expect((await upload('email\nb@a.example\n', key)).detail()).toBe('IGW_ERR_IDEMPOTENCY_MISMATCH');
  });

  it('[X-ID-01] sent again after a crash between two chunks, the same key gives the same job and the same events', async () => {
    const key = { 'idempotency-key': randomId() };
    const csv = `email\n${Array.from({ length: 1_200 }, (_, i) => `p${i}@a.example\n`).join('')}`;
    let commits = 0;
    setFaultHook((point) => {
      if (point === 'db.commit.before' && (commits += 1) === 3) throw new Error('the process dies here');
    });
    expect((await upload(csv, key)).status).toBe(500);
    setFaultHook(null);
    const before = await gateway.outbox();
    expect(before).toHaveLength(500);
    const told = await upload(csv, key);
    expect(told.status).toBe(202);
    const after = await gateway.outbox();
    expect(after).toHaveLength(1_200);
    expect(new Set(after.map(({ headers }) => headers['message-id'])).size).toBe(1_200);
    expect((await gateway.ask(`/v1/jobs/${jobOf(told)}`, { token })).json()).toMatchObject({
      progress: { total: 1_200, accepted: 1_200 },
    });
    expect(new Set(after.map(({ data }) => data['jobId']))).toEqual(new Set([jobOf(told)]));
  });

  it('[X-ID-01] sent again after all was committed but not answered, it writes no event a second time', async () => {
    const key = { 'idempotency-key': randomId() };
    const csv = 'email\na@a.example\nb@a.example\n';
    const first = await upload(csv, key);
    await gateway.database.query(sql.unsafe`delete from idempotency_keys`);
    const second = await upload(csv, key);
    expect([second.status, second.text]).toEqual([202, first.text]);
    expect(await gateway.outbox()).toHaveLength(2);
  });

  it.each([
    ['whose chunks are the same', 500, [202, undefined]],
    ['who has cut its chunks elsewhere', 300, [409, 'IGW_ERR_IDEMPOTENCY_IN_PROGRESS']],
  ])('meets another request at the same upload %s', async (_who, row, expected) => {
    const csv = `email\n${Array.from({ length: 600 }, (_, i) => `p${i}@a.example\n`).join('')}`;
    setFaultHook(async (point) => {
      if (point !== 'db.commit.after') return;
      // It has begun: here the other one commits its first chunk.
      setFaultHook(null);
      await outsideOfAll(() =>
        gateway.database.query(sql.unsafe`update uploads set committed_row = ${row} where state = 'receiving'`),
      );
    });
    const told = await upload(csv, { 'idempotency-key': randomId() });
    expect([told.status, told.status === 202 ? undefined : told.detail()]).toEqual(expected);
  });

  it('an answer to COMMIT that is lost takes no row a second time', async () => {
    let commits = 0;
    setFaultHook((point) => {
      if (point === 'db.commit.after' && (commits += 1) === 2)
        throw Object.assign(new Error('the connection is gone'), { code: 'ECONNRESET' });
    });
    const told = await upload('email\na@a.example\n,\nb@a.example\n');
    expect([told.status, told.json()['accepted'], told.json()['refused']]).toEqual([202, 2, 1]);
    expect(await gateway.outbox()).toHaveLength(2);
  });

  it('a conflict in the database that passes is tried again', async () => {
    let failures = 2;
    setFaultHook((point) => {
      if (point !== 'db.commit.before' || failures === 0) return;
      failures -= 1;
      throw Object.assign(new Error('conflict'), { code: '40001' });
    });
    expect((await upload('email\na@a.example\n')).status).toBe(202);
    expect(await gateway.outbox()).toHaveLength(1);
  });

  it('an upload that was cut off is told as failed after an hour', async () => {
    const jobId = jobOf(await upload('email\na@a.example\n'));
    await gateway.database.query(
      sql.unsafe`update uploads set state = 'receiving', updated_at = now() - interval '2 hours' where id = ${jobId}`,
    );
    await clean(gateway.database);
    expect((await gateway.ask(`/v1/jobs/${jobId}`, { token })).json()).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('again'),
    });
  });
});

describe('JSON arrays', () => {
  it('[GW-37] refuses bad elements alone, unknown fields among them', async () => {
    const told = await gateway.ask('/v1/leads/bulk', {
      token,
      json: [
        { email: 'a@a.example' },
        { firstName: 'x' },
        { email: 'b@a.example', credits: 5 },
        { email: 'c@a.example', source: 'crm', externalId: 'crm-7' },
      ],
    });
    expect(told.status).toBe(202);
    expect(told.json()).toMatchObject({ accepted: 2, refused: [{ row: 2 }, { row: 3, code: 'unrecognized_keys' }] });
    expect((await gateway.outbox()).map(({ data }) => [data['source'], data['externalId']])).toEqual([
      ['api', `${jobOf(told)}:1`],
      ['crm', 'crm-7'],
    ]);
  });

  it.each([[[]], [{}], ['x'], [Array.from({ length: 1_001 }, () => ({ email: 'a@a.example' }))], [[1]]])(
    'refuses a body that is no array of 1 to 1,000 objects',
    async (json) => {
      expect((await gateway.ask('/v1/leads/bulk', { token, json })).status).toBe(400);
    },
  );

  it('[X-ID-01] the same key gives the same answer once', async () => {
    const headers = { 'idempotency-key': randomId() };
    const ask = (email: string) => gateway.ask('/v1/leads/bulk', { token, json: [{ email }], headers });
    const [first, second] = [await ask('a@a.example'), await ask('a@a.example')];
    expect([second.text, second.headers.get('idempotency-replayed')]).toEqual([first.text, 'true']);
    expect((await ask('b@a.example')).status).toBe(422);
    expect(await gateway.outbox()).toHaveLength(1);
  });
});

describe('the job of an upload', () => {
  it('[GW-13] is as far as analytics has counted', async () => {
    const jobId = jobOf(await upload('email\na@a.example\nb@a.example\n,\n'));
    const at = async (done: number) => {
      gateway.upstream.react = ({ path }) =>
        path.endsWith('/progress')
          ? { status: 200, body: { done, discovered: done, updated: 0, duplicated: 0, rejected: 0 } }
          : { status: 500, body: {} };
      return (await gateway.ask(`/api/v1/jobs/${jobId}`, { token })).json();
    };
    expect(await at(0)).toMatchObject({ id: jobId, type: 'upload-csv', status: 'queued' });
    expect(await at(1)).toMatchObject({ status: 'running', progress: { accepted: 2, done: 1 } });
    expect(await at(2)).toMatchObject({ status: 'completed' });
  });

  it('[GW-13] is told without analytics too', async () => {
    const jobId = jobOf(await upload('email\na@a.example\n'));
    gateway.upstream.react = () => ({ status: 503, body: {} });
    expect((await gateway.ask(`/v1/jobs/${jobId}`, { token })).json()).toMatchObject({
      status: 'queued',
      progress: { accepted: 1, done: 0 },
    });
  });
});

describe('on the broker', () => {
  it('[GW-35] the relay publishes what was committed', async () => {
    const client = createKafkaClient({
      brokers: testEnvironment().KAFKA_BROKERS.split(','),
      clientId: 'test',
      log: () => undefined,
    });
    const count = async () =>
      Object.values(await topicEnds(client, 'ingest.lead.v1')).reduce((sum, { high }) => sum + high, 0);
    const before = await count();
    await gateway.ask('/v1/leads/bulk', {
      token,
      json: Array.from({ length: 1_000 }, (_, i) => ({ email: `k${i}@a.example` })),
    });
    await eventually('a thousand records', async () => (await count()) >= before + 1_000);
  });
});
