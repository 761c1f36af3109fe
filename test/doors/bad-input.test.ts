/**
 * Whatever comes in by the doors, in one list: each bad input gets its own clear code, and the good one beside it goes
 * through as if nothing had happened. HTTP and CSV against the real gateway, Kafka against the real discovery. What the
 * fields of a body may be is its owner's to say; see the services' own tests.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { errorBody } from '@lead-flood/contracts';
import { deadLetterFacts, headerText } from '@lead-flood/kafka';
import type { OutgoingRecord } from '@lead-flood/kafka';
import { sql } from '@lead-flood/postgres';
import { batchProcessor } from '@lead-flood/processor';
import {
  createLine,
  encodeTestEvent,
  sampleDiscovered,
  sampleId,
  samplePerson,
  sampleSubmitted,
} from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { discovery } from '../../services/discovery/src/lead/processor.ts';
import { makeApiKey } from '../../services/ingest-gateway/src/auth/api-key.ts';
import { csvForm, startGateway } from '../../services/ingest-gateway/test/harness.ts';
import type { Ask, Gateway } from '../../services/ingest-gateway/test/harness.ts';

const lead = { email: 'zoe@aurora.se.example', firstName: 'Zoë' };
const JSON_TYPE = { 'content-type': 'application/json' };

describe('the HTTP door', () => {
  let gateway: Gateway;
  let admin: string;
  let readOnlyKey: string;
  beforeAll(async () => {
    gateway = await startGateway();
    admin = await gateway.mint('admin');
    const { key, prefix, secretHash } = makeApiKey();
    await gateway.database.query(sql.unsafe`
      insert into api_keys (id, org_id, user_id, name, prefix, secret_hash, scopes)
      select gen_random_uuid(), org_id, user_id, 'reader', ${prefix}, ${secretHash}, '{read}' from api_keys limit 1
    `);
    readOnlyKey = key;
  });
  beforeEach(async () => {
    gateway.upstream.asked.length = 0;
    await gateway.database.query(sql.unsafe`delete from outbox`);
  });
  afterAll(() => gateway.stop());

  const foreignToken = (): string => {
    const [header = '', payload = ''] = admin.split('.');
    return `${header}.${payload}.${Buffer.alloc(32, 1).toString('base64url')}`;
  };

  it.each<[string, number, string, () => Ask]>([
    ['broken JSON', 400, 'invalid_payload', () => ({ token: admin, body: '{"email":', headers: JSON_TYPE })],
    [
      '[GW-36] a body of 2 MB',
      413,
      'payload_too_large',
      () => ({ token: admin, json: { ...lead, title: 'x'.repeat(2_000_000) } }),
    ],
    [
      'text/plain',
      415,
      'unsupported_media_type',
      () => ({ token: admin, body: JSON.stringify(lead), headers: { 'content-type': 'text/plain' } }),
    ],
    ['[X-AU-11] no token', 401, 'unauthorized', () => ({ json: lead })],
    ['[X-AU-11] a token signed by somebody else', 401, 'unauthorized', () => ({ token: foreignToken(), json: lead })],
    ['an API key without the scope', 403, 'forbidden', () => ({ token: readOnlyKey, json: lead })],
  ])('%s is %i %s, and nothing behind the door hears of it', async (_what, status, code, ask) => {
    const told = await gateway.ask('/v1/leads', { method: 'POST', ...ask() });
    expect([told.status, errorBody.parse(told.json()).error.code]).toEqual([status, code]);
    expect(gateway.upstream.asked).toEqual([]);
    expect(await gateway.outbox()).toEqual([]);

    await gateway.ask('/v1/leads', { token: admin, json: lead });
    expect(gateway.upstream.asked).toHaveLength(1);
  });

  it('a CSV with a byte order mark, semicolons, quoted newlines and a broken row gives its good rows', async () => {
    const csv =
      '\ufeffemail;first name;note\nzoe@aurora.se.example;Zoë;"two\nlines"\n;Bob;\namy@aurora.se.example;Amy;\n';
    const told = await gateway.ask('/v1/uploads/leads', { token: admin, body: csvForm(csv) });
    expect(told.status).toBe(202);
    expect(told.json()).toMatchObject({ accepted: 2, refused: 1, rows: [{ row: 2, field: 'email' }] });
    expect((await gateway.outbox()).map(({ data }) => data['attributes'])).toEqual([{ note: 'two\nlines' }, {}]);
  });
});

describe('the Kafka door', () => {
  let line: Line;
  const bad = new Map<string, OutgoingRecord>();
  beforeAll(async () => {
    line = await createLine(batchProcessor(discovery), {
      schema: 'discovery',
      migrations: join(import.meta.dirname, '../../services/discovery/migrations'),
    });
    const submit = (n: number): OutgoingRecord =>
      encodeTestEvent(line.codec, {
        name: 'LeadSubmitted',
        key: sampleId('good', n),
        data: sampleSubmitted({
          externalId: `good-${n}`,
          person: samplePerson({ email: `good${n}@aurora.se.example`, phone: null, linkedinUrl: null }),
        }),
      });
    const good = submit(0);
    const value = good.value ?? Buffer.alloc(0);
    const unknown = Buffer.from(value);
    unknown.writeInt32BE(2_000_000_000, 1);
    const record = (name: string, bytes: Buffer | null): void =>
      void bad.set(name, { ...good, value: bytes, headers: { note: name } });
    record('KFK_ERR_UNKNOWN_SCHEMA', unknown);
    record('KFK_ERR_TRUNCATED', value.subarray(0, value.length - 5));
    record('KFK_ERR_EMPTY', null);
    record('KFK_ERR_NO_MAGIC_BYTE', Buffer.from(JSON.stringify(sampleSubmitted())));
    record('KFK_ERR_UNEXPECTED_EVENT', line.codec.encode('LeadDiscovered', sampleDiscovered()));
    record('KFK_ERR_TRAILING_BYTES', Buffer.concat([value, value]));
    await line.publishRaw(...[...bad.values()].flatMap((one, i) => [one, submit(i + 1)]));
    await line.start();
    await line.caughtUp();
  });
  afterAll(() => line.close());

  it('puts each bad record aside with its own code and its original bytes', async () => {
    const letters = await line.records('discovery.dead-letter.v1');
    expect(letters.map((letter) => deadLetterFacts(letter)?.code).toSorted()).toEqual([...bad.keys()].toSorted());
    for (const letter of letters) {
      const name = headerText(letter.headers, 'note') ?? '';
      expect(deadLetterFacts(letter)?.code).toBe(name);
      expect(letter.value).toEqual(bad.get(name)?.value);
    }
  });

  it('[GW-35] takes the good records between them', async () => {
    const discovered = (await line.events('discovery.lead.v1')).filter((event) => event.name === 'LeadDiscovered');
    expect(discovered.map((event) => (event.data as { person: { email: string } }).person.email).toSorted()).toEqual(
      [...bad].map((_, i) => `good${i + 1}@aurora.se.example`).toSorted(),
    );
  });
});
