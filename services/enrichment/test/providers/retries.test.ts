/** How often and how long one provider call is tried, against a real HTTP server, with the service's own settings made short. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backoffMs } from '@lead-flood/provider';
import { sampleCompany, samplePerson } from '@lead-flood/testing';
import { config } from '../../src/config.ts';
import { openProviders, retriesOf } from '../../src/providers/open.ts';

const ctx = { signal: new AbortController().signal, idempotencyKey: '0f0e0d0c-0000-8000-8000-000000000001' };
const question = { person: samplePerson(), company: sampleCompany() };

/** What the next requests get: a status, or null for no answer at all. */
const script: (number | null)[] = [];
let asked = 0;
const server = createServer((request, response) => {
  request.resume();
  const status = script[asked] ?? 200;
  asked += 1;
  if (script[asked - 1] === null) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end('{"person":null}');
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function find(env: Readonly<Record<string, string>>, ...answers: readonly (number | null)[]) {
  script.splice(0, script.length, ...answers);
  asked = 0;
  const settings = config.parse({
    ENRICHMENT_PRIVATE_PROVIDERS: 'true',
    ENRICHMENT_RETRY_BASE_MS: '1',
    APOLLO_API_KEY: 'k',
    APOLLO_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...env,
  });
  const providers = openProviders(settings, { info: () => {}, warn: () => {} });
  try {
    return await providers.adapters[0]?.find(question, ctx);
  } finally {
    await providers.stop();
  }
}

describe('a provider call', () => {
  it('[EN-15] is given three more tries, after up to 2, 4 and 8 s, each of them 10 s', () => {
    const settings = config.parse({});
    expect(settings.ENRICHMENT_TIMEOUT_MS).toBe(10_000);
    const retries = retriesOf(settings);
    expect(retries.retriesMax).toBe(3);
    expect([0, 1, 2].map((attempt) => backoffMs(attempt, retries, () => 1))).toEqual([2_000, 4_000, 8_000]);
  });

  it('[EN-15] [C-08] that fails three times and then answers has its answer', async () => {
    await expect(find({}, 503, 503, 503, 200)).resolves.toMatchObject({ status: 'miss' });
    expect(asked).toBe(4);
  });

  it('[EN-15] [C-08] that fails a fourth time is given up, as one that may pass', async () => {
    await expect(find({}, 503, 503, 503, 503)).rejects.toMatchObject({
      name: 'TransientError',
      code: 'PRV_ERR_FAILED',
    });
    expect(asked).toBe(4);
  });

  it('[EN-15] without an answer ends at its time and is not tried again: it may have been paid', async () => {
    await expect(find({ ENRICHMENT_TIMEOUT_MS: '100' }, null)).rejects.toMatchObject({
      code: 'PRV_ERR_TIMEOUT',
      ambiguous: true,
    });
    expect(asked).toBe(1);
  });

  it.each([[401], [402], [403]])('[C-08] that is refused for good (%i) is not tried again', async (status) => {
    await expect(find({}, status)).rejects.toMatchObject({ name: 'CodedError', code: 'PRV_ERR_ACCESS_REFUSED' });
    expect(asked).toBe(1);
  });
});
