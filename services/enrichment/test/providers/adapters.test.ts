/** The real adapters against the sandbox, which speaks the providers' own shapes: hits, misses, keys, every fault. */
import type { Company, Person } from '@lead-flood/contracts';
import type { AttemptReport } from '@lead-flood/provider';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { person as invent, startSandbox } from '../../../../test/sandbox/src/index.ts';
import type { Sandbox } from '../../../../test/sandbox/src/index.ts';
import type { EnrichmentAdapter, Hit, Question } from '../../src/providers/adapter.ts';
import { createEnrichmentProviders } from '../../src/providers/registry.ts';
import type { EnrichmentProviders } from '../../src/providers/registry.ts';
import { table } from '../../src/providers/table.ts';
import { sandboxName, sandboxSettings } from '../sandbox-settings.ts';

let sandbox: Sandbox;
let providers: EnrichmentProviders;
let reports: AttemptReport[] = [];

beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());

const control = async (path: string, method: string, body?: object): Promise<string> => {
  const answer = await fetch(`${sandbox.httpUrl}/_control/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(answer.ok).toBe(true);
  return answer.text();
};

function configure(timeoutMs = 2_000): EnrichmentProviders {
  return createEnrichmentProviders({
    settings: sandboxSettings(sandbox.httpUrl),
    limits: { allowPrivate: true, timeoutMs, retries: { retriesMax: 1, baseMs: 1 } },
    hooks: { onAttempt: (report) => reports.push(report) },
  });
}

beforeEach(async () => {
  await control('reset', 'POST');
  for (const { name } of table) await control(`providers/${sandboxName(name)}`, 'PUT', { hitRate: 1 });
  reports = [];
  providers = configure();
});
afterEach(() => providers.stop());

const nobody: Person = {
  firstName: null,
  lastName: null,
  fullName: null,
  email: null,
  phone: null,
  linkedinUrl: null,
  title: null,
};
const nowhere: Company = { name: null, domain: null, countryIso: null, employees: null, industry: null };
const ctx = { signal: new AbortController().signal, idempotencyKey: '0f0e0d0c-0000-8000-8000-000000000001' };

function ask(seed: number, known: Partial<Record<keyof Person, true>> = {}): Question {
  const { firstName, lastName, fullName, email, phone, linkedinUrl, title, company } = invent(seed);
  const all: Person = { firstName, lastName, fullName, email, phone, linkedinUrl, title };
  const person = {
    ...nobody,
    firstName,
    lastName,
    ...Object.fromEntries(Object.keys(known).map((key) => [key, all[key as keyof Person]])),
  };
  return { person, company: { ...nowhere, name: company.name, domain: company.domain } };
}

function adapter(name: string): EnrichmentAdapter {
  const found = providers.adapters.find((each) => each.name === name);
  if (found === undefined) throw new Error(`${name} is not configured`);
  return found;
}

async function hits(name: string, question: (seed: number) => Question, count = 40): Promise<Hit[]> {
  const findings = await Promise.all(
    Array.from({ length: count }, (_, seed) => adapter(name).find(question(seed), ctx)),
  );
  expect(findings.map(({ status }) => status)).toEqual(findings.map(() => 'hit'));
  expect(JSON.parse(JSON.stringify(findings))).toEqual(findings);
  return findings.filter((finding) => finding.status === 'hit');
}

describe('what each provider finds', () => {
  test('apollo', async () => {
    const found = await hits('apollo', (seed) => ask(seed, { email: true }));
    const wanted = invent(3);
    expect(found[3]).toMatchObject({
      fullName: wanted.fullName,
      title: wanted.title,
      linkedinUrl: wanted.linkedinUrl,
      confidence: 0.9,
      personalEmail: false,
      costMicros: 20_000,
      company: { domain: wanted.company.domain, countryIso: wanted.company.countryIso },
    });
    expect(new Set(found.map(({ emailStatus }) => emailStatus))).toEqual(new Set(['verified', 'risky', 'unknown']));
    for (const hit of found) expect(hit.email === null).toBe(hit.emailConfidence === 0);
    expect(found.filter(({ phone }) => phone !== null).length).toBeGreaterThan(0);
    expect(found.every(({ company }) => company.countryIso !== null)).toBe(true);
    const named = await hits('apollo', (seed) => ask(seed), 10);
    expect(named.every(({ confidence, email }) => confidence === (email === null ? 0.6 : 0.75))).toBe(true);
  });

  test('hunter finds an address for a name and a domain', async () => {
    const found = await hits('hunter', (seed) => ask(seed));
    expect(found[3]).toMatchObject({
      email: invent(3).email,
      costMicros: 34_000,
      company: { domain: invent(3).company.domain },
    });
    for (const { emailConfidence, emailStatus } of found) {
      if (emailStatus === 'verified') expect(emailConfidence).toBeGreaterThanOrEqual(0.9);
    }
  });

  test('hunter verifies an address it is given, at half the price', async () => {
    const found = await hits('hunter', (seed) => ask(seed, { email: true }), 100);
    expect(found[3]).toMatchObject({ email: invent(3).email, costMicros: 17_000, fullName: null });
    expect(new Set(found.map(({ emailStatus }) => emailStatus))).toEqual(
      new Set(['verified', 'risky', 'unknown', 'invalid']),
    );
    expect(
      found.filter(({ emailStatus }) => emailStatus === 'invalid').every(({ confidence }) => confidence < 0.1),
    ).toBe(true);
  });

  test('people data labs', async () => {
    const found = await hits('peopledatalabs', (seed) => ask(seed, { email: true, fullName: true }));
    const wanted = invent(3);
    expect(found[3]).toMatchObject({
      fullName: wanted.fullName,
      email: wanted.email,
      emailStatus: 'unknown',
      personalEmail: false,
      costMicros: 280_000,
      company: { name: wanted.company.name, domain: wanted.company.domain, countryIso: wanted.company.countryIso },
    });
    expect(found[3]?.linkedinUrl).toMatch(/^https:\/\/www\.linkedin\.com\/in\//);
    expect(found.every(({ confidence }) => confidence >= 0.6 && confidence <= 1)).toBe(true);
  });
});

describe.each(table.map(({ name }) => name))('%s', (name) => {
  const set = (patch: object) => control(`providers/${sandboxName(name)}`, 'PUT', patch);
  // whom every provider is sure of, by name alone
  const find = (question = ask(2)) => adapter(name).find(question, ctx);
  const accepted = async () => (await control('log', 'GET')).split('\n').filter((line) => line !== '').length;

  test('a miss costs nothing', async () => {
    await set({ hitRate: 0 });
    expect(await find()).toEqual({ status: 'miss', latencyMs: expect.any(Number), costMicros: 0 });
  });

  test('has nothing to ask with: cannot answer, and does not ask', async () => {
    const empty = { person: { ...nobody, firstName: 'Ann' }, company: nowhere };
    expect(adapter(name).canAnswer(empty)).toBe(false);
    expect(await find(empty)).toMatchObject({ status: 'miss' });
    expect(reports).toEqual([]);
    expect(adapter(name).canAnswer(ask(1))).toBe(true);
  });

  test('a wrong key is no miss', async () => {
    await set({ apiKey: 'other' });
    await expect(find()).rejects.toMatchObject({ name: 'CodedError', code: 'PRV_ERR_ACCESS_REFUSED' });
    expect(reports.map(({ outcome, status }) => [outcome, status])).toEqual([['refused', 401]]);
  });

  test.each([
    ['down', { mode: 'down', failStatus: 503, retryAfterSeconds: 0 }, { code: 'PRV_ERR_FAILED', ambiguous: false }, 0],
    [
      'rate-limited',
      { mode: 'rate-limited', retryAfterSeconds: 20 },
      { code: 'PRV_ERR_RATE_LIMITED', ambiguous: false, retryAfterMs: 20_000 },
      0,
    ],
    ['reset', { mode: 'reset' }, { code: 'PRV_ERR_RESET', ambiguous: true }, 1],
    ['lost', { mode: 'lost' }, { code: 'PRV_ERR_RESET', ambiguous: true }, 1],
    ['garbage', { mode: 'garbage' }, { code: 'PRV_ERR_GARBAGE', ambiguous: true }, 1],
  ])('[F8] %s: paid at most once within a call', async (_, mode, expected, billed) => {
    await set(mode);
    await expect(find()).rejects.toMatchObject({ name: 'TransientError', ...expected });
    expect(await accepted()).toBe(billed);
  });

  test('[F8] slow: ends at the timeout, in doubt', async () => {
    await providers.stop();
    providers = configure(40);
    await set({ mode: 'slow' });
    await expect(find()).rejects.toMatchObject({ code: 'PRV_ERR_TIMEOUT', ambiguous: true });
  });

  test('[F8] a passing 503 is tried again within the call', async () => {
    await set({ errorRate: 0.5, retryAfterSeconds: 0 });
    await providers.stop();
    providers = configure();
    const results = await Promise.allSettled(Array.from({ length: 40 }, (_, seed) => find(ask(seed))));
    expect(reports.length).toBeGreaterThan(40);
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(20);
  });

  test('the idempotency key is passed on, so a provider that knows it answers a repeat unpaid', async () => {
    await set({ dedupe: true });
    expect(await find()).toEqual({ ...(await find()), latencyMs: expect.any(Number) });
    expect(await accepted()).toBe(1);
    expect(await control('log', 'GET')).toContain(ctx.idempotencyKey);
  });
});

test('hunter’s 403 is its rate limit, not a refused key', async () => {
  await control('providers/hunter', 'PUT', { mode: 'down', failStatus: 403 });
  await expect(adapter('hunter').find(ask(1), ctx)).rejects.toMatchObject({ code: 'PRV_ERR_RATE_LIMITED' });
});

test('pdl’s used-up balance is no miss', async () => {
  await control('providers/pdl', 'PUT', { mode: 'down', failStatus: 402 });
  await expect(adapter('peopledatalabs').find(ask(1), ctx)).rejects.toMatchObject({ code: 'PRV_ERR_ACCESS_REFUSED' });
});
