/** Enrichment under the suite that every processor passes, asking the sandbox through the real adapters. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { effectProcessor } from '@lead-flood/processor';
import { conformance, crashOnceAt, createLine, effectCrashPoints } from '@lead-flood/testing';
import { startSandbox } from '@lead-flood/test/sandbox';
import type { EnrichmentAdapter } from '../src/providers/adapter.ts';
import { createEnrichmentProviders } from '../src/providers/registry.ts';
import { createEnrichment } from '../src/processor.ts';
import { createWaterfall } from '../src/waterfall.ts';
import { at, ignore, inputs } from './inputs.ts';
import { sandboxSettings } from './sandbox-settings.ts';

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let adapters: readonly EnrichmentAdapter[] = [];
let stopProviders: () => Promise<void>;

beforeAll(async () => {
  sandbox = await startSandbox({ seed: 7 });
  const providers = createEnrichmentProviders({
    settings: sandboxSettings(sandbox.httpUrl),
    limits: { allowPrivate: true },
  });
  adapters = providers.adapters;
  stopProviders = providers.stop;
  for (const provider of ['apollo', 'hunter', 'pdl'])
    await control('PUT', `/_control/providers/${provider}`, { dedupe: true });
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

const steps = ['apollo', 'hunter', 'peopledatalabs'].flatMap((provider) =>
  ['before', 'called', 'stored'].map((moment) => `step.ask.${provider}.${moment}`),
);

const IN_FLIGHT = 8;
const starter = effectProcessor(
  createEnrichment(waterfall, { inFlightMax: IN_FLIGHT, deadlineMs: 10_000 }),
  [100, 200, 300, 400, 500],
);

async function timesAsked(): Promise<Map<string, number>> {
  const lines = (await (await control('GET', '/_control/log?limit=10000')).text())
    .split('\n')
    .filter((line) => line !== '');
  const accepted = lines.map((line) => JSON.parse(line) as { provider: string; operation: string; subject: string });
  const perQuestion = Map.groupBy(accepted, (call) => `${call.provider} ${call.operation} ${call.subject}`);
  return new Map([...perQuestion].map(([question, calls]) => [question, calls.length]));
}

conformance({
  starter,
  ...at,
  inputs,
  ignore,
  crashPoints: [...effectCrashPoints, ...steps],
  // All cases ask the same questions under the same keys, so over all of them each question counts once.
  alsoExpect: async () => {
    const asked = await timesAsked();
    expect(asked.size).toBeGreaterThan(0);
    expect([...asked].filter(([, times]) => times > 1)).toEqual([]);
  },
});

describe('a provider that knows no keys', () => {
  it.each(['before', 'called', 'stored'])('is asked again only what was under way at a crash: %s', async (moment) => {
    await control('POST', '/_control/reset');
    const line = await createLine(starter, at);
    await line.publish(...inputs);
    const reached = crashOnceAt(line, `step.ask.apollo.${moment}`);
    await line.start();
    await reached;
    await line.stop();
    line.onFault(null);
    await line.start();
    await line.caughtUp();
    await line.close();
    const twice = [...(await timesAsked())].filter(([, times]) => times > 1);
    console.info(`a crash with step.ask.apollo.${moment}: ${twice.length} questions asked twice`);
    expect(Math.max(0, ...twice.map(([, times]) => times))).toBeLessThanOrEqual(2);
    // What was called and not stored is asked again, which is what a call under way costs; what is stored never is.
    expect(twice.length).toBeLessThanOrEqual(moment === 'before' ? IN_FLIGHT - 1 : IN_FLIGHT);
    if (moment === 'called') expect(twice.length).toBeGreaterThan(0);
  });
});
