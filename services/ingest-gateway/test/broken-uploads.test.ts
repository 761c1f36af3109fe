/** Many leads in a form or an array that is broken itself, and characters that no column holds. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Gateway } from './harness.ts';
import { csvForm, startGateway } from './harness.ts';

let gateway: Gateway;
let token: string;
beforeAll(async () => {
  gateway = await startGateway();
  token = await gateway.mint('member', 'user-1');
});
afterAll(() => gateway.stop());

describe('forms that are none', () => {
  const whole =
    '--lf\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\ncontent-type: text/csv\r\n\r\nemail\na@aurora.se.example\n';
  it.each([
    ['without a boundary', 'multipart/form-data', `${whole}\r\n--lf--\r\n`],
    ['with an empty boundary', 'multipart/form-data; boundary=', `${whole}\r\n--lf--\r\n`],
    ['with another boundary', 'multipart/form-data; boundary=other', `${whole}\r\n--lf--\r\n`],
    ['cut off in its file', 'multipart/form-data; boundary=lf', whole],
    ['cut off in its head', 'multipart/form-data; boundary=lf', whole.slice(0, 40)],
    ['of nothing', 'multipart/form-data; boundary=lf', ''],
  ])('a form %s is the mistake of who sends it', async (_what, type, body) => {
    const told = await gateway.ask('/v1/uploads/leads', {
      method: 'POST',
      token,
      body: Buffer.from(body),
      headers: { 'content-type': type },
    });
    expect([told.status, told.code()]).toEqual([400, 'invalid_payload']);
  });
});

describe('texts that no column holds', () => {
  it('loses the character, not the row: NUL in a cell', async () => {
    const told = await gateway.ask('/v1/uploads/leads', {
      token,
      body: csvForm('email,first name,no\0te\nnul@aurora.se.example,A\0da,h\0i\n'),
    });
    expect(told.json()).toMatchObject({ accepted: 1, refused: 0 });
    const [row] = (await gateway.outbox()).slice(-1);
    expect(row?.data).toMatchObject({ person: { firstName: 'Ada' }, attributes: { note: 'hi' } });
  });

  it('loses the character, not the row: half of a character in an array', async () => {
    const lead = { email: 'half@aurora.se.example', firstName: 'A\ud800da', customFields: { 'n\0ote': 'h\udc00i 🌊' } };
    const told = await gateway.ask('/v1/leads/bulk', { token, json: [lead] });
    expect(told.json()).toMatchObject({ accepted: 1, refused: [] });
    const [row] = (await gateway.outbox()).slice(-1);
    expect(row?.data).toMatchObject({ person: { firstName: 'Ada' }, attributes: { note: 'hi 🌊' } });
  });
});

describe('arrays', () => {
  it.each([undefined, 'deep-array'])('refuses what nests for thousands of levels, with key %s', async (key) => {
    const told = await gateway.ask('/v1/leads/bulk', {
      token,
      body: `[{"x":${'['.repeat(5_000)}${']'.repeat(5_000)}}]`,
      headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) },
    });
    expect([told.status, told.code()]).toEqual([400, 'invalid_payload']);
  });
});
