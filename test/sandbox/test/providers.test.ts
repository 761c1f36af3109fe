// The shapes of the providers: found, not found, badly asked, without a key; and that one question has one answer.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { person, startSandbox } from '../src/index.ts';
import type { Sandbox } from '../src/index.ts';
import { call, logOf } from './receiver.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ providers: { apollo: { apiKey: 'right' } } });
});
afterAll(() => sandbox.stop());
beforeEach(async () => {
  await call(`${sandbox.httpUrl}/_control/reset`, 'POST');
});

const someone = person(39);
const settings = (name: string, patch: object) => call(`${sandbox.httpUrl}/_control/providers/${name}`, 'PUT', patch);
const apollo = (body: object, key = 'right') =>
  call(`${sandbox.httpUrl}/apollo/api/v1/people/match`, 'POST', body, { 'x-api-key': key });
const get = (path: string, query: Record<string, string>, headers: Record<string, string> = {}) =>
  call(`${sandbox.httpUrl}${path}?${new URLSearchParams(query).toString()}`, 'GET', undefined, headers);
const trengo = (body: object, token = 'token') =>
  call(`${sandbox.httpUrl}/trengo/api/v2/wa_sessions`, 'POST', body, { authorization: `Bearer ${token}` });

describe('Apollo', () => {
  test('gives a person with address, organisation and price', async () => {
    await settings('apollo', { hitRate: 1 });
    const { status, body } = await apollo({ email: someone.email, first_name: someone.firstName });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      person: {
        id: expect.stringMatching(/^[0-9a-f]{24}$/),
        first_name: someone.firstName,
        last_name: someone.lastName,
        name: someone.fullName,
        email: someone.email,
        email_status: expect.stringMatching(/^(verified|extrapolated)$/),
        title: someone.title,
        linkedin_url: someone.linkedinUrl,
        contact: { phone_numbers: [{ sanitized_number: someone.phone }] },
        organization: {
          name: someone.company.name,
          primary_domain: someone.company.domain,
          estimated_num_employees: 66_000,
          country: 'United States',
        },
      },
    });
    expect(await logOf(sandbox.httpUrl)).toMatchObject([
      { provider: 'apollo', operation: 'people/match', subject: someone.email, outcome: 'hit', price: 20_000 },
    ]);
  });

  test('takes parameters in the query as well, as its manual shows', async () => {
    await settings('apollo', { hitRate: 1 });
    const url = `${sandbox.httpUrl}/apollo/api/v1/people/match?email=${encodeURIComponent(someone.email)}`;
    expect((await call(url, 'POST', undefined, { 'x-api-key': 'right' })).body).toMatchObject({
      person: { email: someone.email },
    });
  });

  test('answers 200 and null for a miss, at no price', async () => {
    await settings('apollo', { hitRate: 0 });
    expect(await apollo({ email: someone.email })).toMatchObject({ status: 200, body: { person: null } });
    expect(await logOf(sandbox.httpUrl)).toMatchObject([{ outcome: 'miss', price: 0 }]);
  });

  test('refuses wrong keys in plain text and too few parameters in JSON; neither is in the log', async () => {
    for (const key of ['wrong', '']) {
      const response = await fetch(`${sandbox.httpUrl}/apollo/api/v1/people/match`, {
        method: 'POST',
        body: '{}',
        headers: { 'x-api-key': key },
      });
      expect([response.status, await response.text()]).toEqual([401, 'Invalid access credentials.']);
    }
    expect(await apollo({ first_name: 'Only' })).toMatchObject({ status: 422, body: { error: expect.any(String) } });
    expect(await logOf(sandbox.httpUrl)).toEqual([]);
  });

  test('finds some 70 % of the people and verifies some 75 % of those; the same ones each time', async () => {
    const ask = async () =>
      Promise.all(Array.from({ length: 600 }, (_, seed) => apollo({ email: person(seed).email })));
    const [once, again] = [await ask(), await ask()];
    expect(again.map(({ body }) => body)).toEqual(once.map(({ body }) => body));
    const found = once
      .map(({ body }) => body['person'] as { email_status: string } | null)
      .filter((one) => one !== null);
    expect(found.length / 600).toBeGreaterThan(0.63);
    expect(found.length / 600).toBeLessThan(0.77);
    const verified = found.filter((one) => one.email_status === 'verified').length / found.length;
    expect(verified).toBeGreaterThan(0.67);
    expect(verified).toBeLessThan(0.83);
  });
});

describe('Hunter', () => {
  const question = {
    domain: someone.company.domain,
    first_name: someone.firstName,
    last_name: someone.lastName,
    api_key: 'k',
  };

  test('finds the same address that the person has', async () => {
    await settings('hunter', { hitRate: 1 });
    const { status, body } = await get('/hunter/v2/email-finder', question);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      data: {
        email: someone.email,
        score: expect.any(Number),
        domain: someone.company.domain,
        verification: { status: expect.stringMatching(/^(valid|accept_all|unknown)$/), date: expect.any(String) },
      },
      meta: { params: { domain: someone.company.domain, first_name: someone.firstName } },
    });
  });

  test('says null for a miss, and wrong_params or authentication_failed in errors', async () => {
    await settings('hunter', { hitRate: 0 });
    expect(await get('/hunter/v2/email-finder', question)).toMatchObject({
      status: 200,
      body: { data: { email: null, score: null } },
    });
    expect(await get('/hunter/v2/email-finder', { api_key: 'k' })).toMatchObject({
      status: 400,
      body: { errors: [{ id: 'wrong_params', code: 400, details: 'You are missing the domain parameter' }] },
    });
    expect(await get('/hunter/v2/email-finder', { domain: 'x.example' })).toMatchObject({
      status: 401,
      body: { errors: [{ id: 'authentication_failed', code: 401 }] },
    });
  });

  test('verifies an address with status and score, the same each time', async () => {
    const verify = (seed: number) =>
      get('/hunter/v2/email-verifier', { email: person(seed).email }, { 'x-api-key': 'k' });
    const answers = await Promise.all(Array.from({ length: 200 }, (_, seed) => verify(seed)));
    const statuses = answers.map(({ body }) => (body['data'] as { status: string }).status);
    expect(new Set(statuses)).toEqual(new Set(['valid', 'accept_all', 'unknown', 'invalid']));
    expect((await verify(7)).body).toEqual(answers[7]?.body);
    expect(answers[7]?.body).toMatchObject({
      data: { email: person(7).email, score: expect.any(Number), mx_records: expect.any(Boolean) },
    });
  });
});

describe('People Data Labs', () => {
  const enrich = (query: Record<string, string>) => get('/pdl/v5/person/enrich', query, { 'x-api-key': 'k' });

  test('gives likelihood and a lower-case record', async () => {
    await settings('pdl', { hitRate: 1 });
    expect(await enrich({ profile: someone.linkedinUrl })).toMatchObject({
      status: 200,
      body: {
        status: 200,
        likelihood: expect.any(Number),
        data: {
          work_email: someone.email,
          mobile_phone: someone.phone,
          job_company_website: someone.company.domain,
          job_company_size: '10001+',
          full_name: someone.fullName.toLowerCase(),
        },
      },
    });
    expect(await enrich({ phone: someone.phone ?? '' })).toMatchObject({
      body: { data: { work_email: someone.email } },
    });
    const byName = { first_name: someone.firstName, last_name: someone.lastName, company: someone.company.name };
    expect(await enrich(byName)).toMatchObject({ body: { data: { work_email: someone.email } } });
  });

  test('answers 404 for a miss and for too low a likelihood, 400 and 401 in its own shape', async () => {
    await settings('pdl', { hitRate: 0 });
    const miss = {
      status: 404,
      body: { status: 404, error: { type: 'not_found', message: 'No records were found matching your request' } },
    };
    expect(await enrich({ email: someone.email })).toMatchObject(miss);
    await settings('pdl', { hitRate: 1 });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, seed) => enrich({ email: person(seed).email, min_likelihood: '9' })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 404]));
    expect(await enrich({ first_name: 'Only' })).toMatchObject({
      status: 400,
      body: { error: { type: 'invalid_request_error' } },
    });
    expect(await get('/pdl/v5/person/enrich', { email: someone.email })).toMatchObject({
      status: 401,
      body: { status: 401, error: { type: 'authentication_error' } },
    });
  });
});

describe('Trengo', () => {
  test('takes a template and gives message and ticket ids; one ticket a person', async () => {
    const order = {
      recipient_phone_number: '+12025550143',
      hsm_id: 4711,
      params: [{ type: 'body', key: '{{1}}', value: 'Ada' }],
    };
    const [one, two] = [
      await trengo(order),
      await trengo({ recipient_phone_number: '12025550143', message: 'Still there?' }),
    ];
    const message = (answer: typeof one) => answer.body['message'] as { id: number; ticket_id: number };
    expect(one.status).toBe(200);
    expect(message(one).ticket_id).toBe(message(two).ticket_id);
    expect(message(one).id).not.toBe(message(two).id);
    expect(await logOf(sandbox.httpUrl)).toMatchObject([
      { provider: 'trengo', operation: 'wa_sessions', subject: '+12025550143', outcome: 'sent', price: 75_000 },
      { subject: '+12025550143' },
    ]);
  });

  test('refuses like Laravel: no token, no template, no number, no WhatsApp', async () => {
    expect(await trengo({}, '')).toMatchObject({ status: 401, body: { message: 'Unauthenticated.' } });
    const template = { hsm_id: 1, recipient_phone_number: '+12025550143' };
    expect(await trengo({ recipient_phone_number: '+12025550143' })).toMatchObject({
      status: 422,
      body: { errors: { hsm_id: [expect.any(String)] } },
    });
    expect(await trengo({ hsm_id: 1 })).toMatchObject({
      status: 422,
      body: { errors: { recipient_phone_number: [expect.any(String)] } },
    });
    expect(await trengo({ ...template, recipient_phone_number: 'call me' })).toMatchObject({ status: 422 });
    await settings('trengo', { hitRate: 0 });
    expect(await trengo(template)).toMatchObject({ status: 422, body: { message: 'The given data was invalid.' } });
    expect(await logOf(sandbox.httpUrl)).toEqual([]);
  });
});

test('a stranger gets an invented address below .example, never one at the real company', async () => {
  for (const name of ['apollo', 'hunter', 'pdl']) await settings(name, { hitRate: 1 });
  const answers = [
    await apollo({ first_name: 'Zoë', last_name: 'Quixote', domain: 'cigna.com' }),
    await apollo({ email: 'zoe.quixote@cigna.com' }),
    await apollo({ name: '山田 太郎', domain: 'nowhere.co.jp' }),
    await get('/hunter/v2/email-finder', { domain: 'unknown-company.de', full_name: 'Zoë Quixote', api_key: 'k' }),
    await get('/pdl/v5/person/enrich', { name: 'Zoë Quixote', company: 'Cigna', api_key: 'k' }),
  ];
  const addresses = answers.flatMap(({ body }) => JSON.stringify(body).match(/[^\s"@]+@[a-z0-9.-]+/g) ?? []);
  expect(addresses.length).toBeGreaterThanOrEqual(4);
  expect(addresses.filter((address) => !address.endsWith('.example'))).toEqual([]);
  expect(addresses).toContain('zoe.quixote@cigna.us.example');
  expect(addresses).toContain('zoe.quixote@unknown-company.de.example');
});
