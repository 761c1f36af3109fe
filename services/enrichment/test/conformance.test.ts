/** Enrichment under the suite that every processor passes, asking the sandbox through the real adapters. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { effectProcessor } from '@lead-flood/processor';
import type { TestEvent } from '@lead-flood/testing';
import { conformance, effectCrashPoints, sampleDiscovered, sampleId, samplePerson } from '@lead-flood/testing';
import { startSandbox } from '@lead-flood/test/sandbox';
import type { EnrichmentAdapter } from '../src/providers/adapter.ts';
import { createEnrichmentProviders } from '../src/providers/registry.ts';
import { createEnrichment } from '../src/processor.ts';
import { createWaterfall } from '../src/waterfall.ts';

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let adapters: readonly EnrichmentAdapter[] = [];
let stopProviders: () => Promise<void>;

beforeAll(async () => {
  sandbox = await startSandbox({ seed: 7 });
  const providers = createEnrichmentProviders({
    allowPrivate: true,
    apolloApiKey: 'k',
    apolloBaseUrl: `${sandbox.httpUrl}/apollo`,
    hunterApiKey: 'k',
    hunterBaseUrl: `${sandbox.httpUrl}/hunter`,
    peopleDataLabsApiKey: 'k',
    peopleDataLabsBaseUrl: `${sandbox.httpUrl}/pdl`,
  });
  adapters = providers.adapters;
  stopProviders = providers.stop;
});
afterAll(async () => {
  await stopProviders();
  await sandbox.stop();
});

/** A call under way at a crash is made again with the same key: a provider that knows keys counts it once. */
const control = (method: string, path: string, body?: object): Promise<Response> =>
  fetch(`${sandbox.httpUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });

/** The adapters exist once the sandbox does. */
const late = (name: EnrichmentAdapter['name']): EnrichmentAdapter => {
  const real = (): EnrichmentAdapter => {
    const adapter = adapters.find((one) => one.name === name);
    if (adapter === undefined) throw new Error(`${name} is not configured`);
    return adapter;
  };
  return {
    name,
    canAnswer: (question) => real().canAnswer(question),
    find: (question, ctx) => real().find(question, ctx),
  };
};

const waterfall = createWaterfall({
  adapters: [late('apollo'), late('hunter'), late('peopledatalabs')],
  policy: 'sequential',
  budgetMicros: 1_000_000,
  facts: (name) => ({
    name,
    priceMicros: name === 'apollo' ? 20_000 : name === 'hunter' ? 34_000 : 280_000,
    asked: 0,
    hits: 0,
  }),
  now: () => 1_800_000_000_000,
});

const inputs = Array.from({ length: 12 }, (_, i): TestEvent => {
  const leadId = sampleId('enriched', i);
  return {
    name: 'LeadDiscovered',
    id: sampleId('discovered', i),
    version: 1,
    data: sampleDiscovered({
      leadId,
      person: samplePerson({ email: `person${i}@aurora.se.example`, phone: null, linkedinUrl: null }),
    }),
  };
});

conformance({
  starter: effectProcessor(
    createEnrichment(waterfall, { inFlightMax: 8, deadlineMs: 10_000 }),
    [100, 200, 300, 400, 500],
  ),
  schema: 'enrichment',
  migrations: join(import.meta.dirname, '../migrations'),
  inputs,
  ignore: { enrichment_attempts: ['latency_ms'], provider_statistics: [] },
  crashPoints: [...effectCrashPoints, 'step.ask.apollo.before', 'step.ask.apollo.stored', 'step.ask.hunter.stored'],
  before: async () => {
    await control('POST', '/_control/reset');
    for (const provider of ['apollo', 'hunter', 'pdl'])
      await control('PUT', `/_control/providers/${provider}`, { dedupe: true });
  },
  alsoExpect: async () => {
    const lines = (await (await control('GET', '/_control/log?limit=10000')).text())
      .split('\n')
      .filter((line) => line !== '');
    const accepted = lines.map((line) => JSON.parse(line) as { provider: string; operation: string; subject: string });
    const perQuestion = Map.groupBy(accepted, (call) => `${call.provider} ${call.operation} ${call.subject}`);
    expect(lines.length).toBeGreaterThan(0);
    expect([...perQuestion].filter(([, calls]) => calls.length > 1).map(([question]) => question)).toEqual([]);
  },
});
