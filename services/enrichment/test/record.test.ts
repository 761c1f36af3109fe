/** What enrichment keeps of a lead and tells the next stage, asked of the sandbox through the real adapters. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headerNames, headerText } from '@lead-flood/kafka';
import { sql } from '@lead-flood/postgres';
import { effectProcessor } from '@lead-flood/processor';
import { person as invent, startSandbox } from '@lead-flood/test/sandbox';
import {
  createLine,
  encodeTestEvent,
  sampleCompany,
  sampleDiscovered,
  sampleId,
  sampleOrg,
  samplePerson,
} from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { z } from 'zod';
import { createEnrichment } from '../src/processor.ts';
import { createEnrichmentProviders } from '../src/providers/registry.ts';
import type { EnrichmentProviders } from '../src/providers/registry.ts';
import { createWaterfall } from '../src/waterfall.ts';

const leadId = sampleId('recorded');
const correlationId = 'chain-of-the-record';
const who = invent(3);

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let providers: EnrichmentProviders;
let line: Line;
beforeAll(async () => {
  sandbox = await startSandbox({ seed: 7 });
  const all = JSON.stringify({ hitRate: 1 });
  await fetch(`${sandbox.httpUrl}/_control/providers/apollo`, { method: 'PUT', body: all });
  providers = createEnrichmentProviders({
    settings: { APOLLO_API_KEY: 'k', APOLLO_BASE_URL: `${sandbox.httpUrl}/apollo` },
    limits: { allowPrivate: true },
  });
  const waterfall = createWaterfall({
    adapters: providers.adapters,
    policy: 'sequential',
    budgetMicros: 1_000_000,
    facts: (name) => ({ name, priceMicros: 20_000, asked: 0, hits: 0 }),
    now: Date.now,
  });
  line = await createLine(effectProcessor(createEnrichment(waterfall, { inFlightMax: 4, deadlineMs: 5_000 })), {
    schema: 'enrichment',
    migrations: join(import.meta.dirname, '../migrations'),
  });
  const { email, linkedinUrl, company } = who;
  const discovered = encodeTestEvent(line.codec, {
    name: 'LeadDiscovered',
    version: 1,
    data: sampleDiscovered({
      leadId,
      person: samplePerson({ email, linkedinUrl, title: null, phone: null, fullName: null }),
      company: sampleCompany({ name: company.name, domain: null, countryIso: null, employees: null, industry: null }),
    }),
  });
  await line.publishRaw({
    ...discovered,
    headers: { ...discovered.headers, [headerNames.correlationId]: correlationId },
  });
  await line.start();
  await line.caughtUp();
});
afterAll(async () => {
  await line.close();
  await providers.stop();
  await sandbox.stop();
});

const rows = <T extends z.ZodObject>(shape: T, query: string) =>
  line.database.any(sql.type(shape)`select * from ${sql.identifier([query])}`);

describe('an enriched lead', () => {
  it('[EN-05] leaves one record, with who was asked, what it cost, and ways to reach the person', async () => {
    const record = z.object({ key: z.string(), org_id: z.string(), status: z.string() });
    expect(await rows(record, 'lead_enrichments')).toEqual([{ key: leadId, org_id: sampleOrg, status: 'COMPLETED' }]);
    const attempt = z.object({ provider: z.string(), status: z.string(), cost_micros: z.number() });
    expect(await rows(attempt, 'enrichment_attempts')).toEqual([
      { provider: 'apollo', status: 'hit', cost_micros: 20_000 },
    ]);
    const contact = z.object({ kind: z.string(), value: z.string(), provider: z.string() });
    const contacts = await rows(contact, 'contact_points');
    expect(contacts).toContainEqual({ kind: 'linkedin', value: who.linkedinUrl, provider: expect.any(String) });
  });

  it('[EN-05] goes on to scoring in our own words, not the provider’s, under the chain’s id', async () => {
    const [event, ...more] = await line.events('enrichment.lead.v1');
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      name: 'LeadEnriched',
      key: leadId,
      data: {
        leadId,
        person: { title: who.title, fullName: who.fullName },
        company: { domain: who.company.domain, countryIso: expect.stringMatching(/^[A-Z]{2}$/) },
        attempts: [{ provider: 'apollo', status: 'hit' }],
        fields: expect.arrayContaining([expect.objectContaining({ name: 'person.title', provider: 'apollo' })]),
      },
    });
    const [record] = await line.records('enrichment.lead.v1');
    expect(headerText(record?.headers ?? {}, headerNames.correlationId)).toBe(correlationId);
  });
});
