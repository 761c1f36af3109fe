/** Every adapter of the table against its provider's documented answers, over HTTP: hits, misses, and each way to say no. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Person } from '@lead-flood/contracts';
import { sampleCompany, samplePerson } from '@lead-flood/testing';
import type { Finding } from '../../src/providers/adapter.ts';
import { createEnrichmentProviders } from '../../src/providers/registry.ts';
import { table } from '../../src/providers/table.ts';
import type { Reply } from './answers/documented.ts';
import { kinds } from './answers/documented.ts';
import { documented } from './answers/table.ts';

let reply: Reply = { status: 500, body: '' };
let asked: URL[] = [];
const server = createServer((request, response) => {
  request.resume();
  asked.push(new URL(request.url ?? '/', 'http://provider.example'));
  const { status, contentType = 'application/json; charset=utf-8', headers = {}, body } = reply;
  response.writeHead(status, { 'content-type': contentType, ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
});

/** A client of its own for each question: a pause that one answer asked for is not the next one's. */
async function find(env: string, person: Partial<Person> = {}): Promise<Finding | undefined> {
  const providers = createEnrichmentProviders({
    settings: {
      [`${env}_API_KEY`]: 'the-key',
      [`${env}_BASE_URL`]: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    },
    limits: { allowPrivate: true, retries: 0 },
  });
  try {
    return await providers.adapters[0]?.find(
      { person: samplePerson(person), company: sampleCompany() },
      { signal: new AbortController().signal, idempotencyKey: '0f0e0d0c-0000-8000-8000-000000000001' },
    );
  } finally {
    await providers.stop();
  }
}

describe.each(table)('$name', ({ name, env }) => {
  const { cases, lacks = {}, emailStatus } = documented[name];

  it.each(cases)('$kind: $title', async ({ reply: documentedReply, person, means }) => {
    reply = typeof documentedReply === 'function' ? documentedReply(Date.now()) : documentedReply;
    if ('finding' in means) {
      expect(await find(env, person)).toMatchObject(means.finding);
    } else {
      const { error: code, reason, retryAfterMs } = means;
      const error: unknown = await find(env, person).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ code, ...(reason === undefined ? {} : { details: { reason, provider: name } }) });
      if (retryAfterMs !== undefined) {
        const [from, to] = retryAfterMs;
        expect(error).toMatchObject({ retryAfterMs: expect.toSatisfy((ms: number) => ms >= from && ms <= to) });
      }
    }
    // a refusal is final: nobody is asked twice
    expect(asked).toHaveLength(1);
    expect(asked[0]?.href).not.toContain('the-key');
  });

  it.each(Object.entries(emailStatus.words))('calls an address that is %j %s', async (word, status) => {
    reply = emailStatus.reply(word);
    expect(await find(env, emailStatus.person)).toMatchObject({ status: 'hit', emailStatus: status });
  });

  it('has a documented answer of every kind, or says why not', () => {
    const shown: readonly string[] = [...cases.map(({ kind }) => kind), ...Object.keys(lacks)];
    expect(kinds.filter((kind) => !shown.includes(kind))).toEqual([]);
    expect(Object.keys(lacks).filter((kind) => cases.some((one) => one.kind === kind))).toEqual([]);
  });
});

it('people data labs is asked for sure matches only, and for an address where there is none', async () => {
  reply = { status: 404, body: { error: { type: 'not_found' } } };
  await find('PEOPLEDATALABS');
  await find('PEOPLEDATALABS', { email: null });
  expect(asked.map(({ searchParams }) => [searchParams.get('min_likelihood'), searchParams.get('required')])).toEqual([
    ['6', null],
    ['6', 'emails'],
  ]);
});
