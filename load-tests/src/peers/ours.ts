/** The engine: five processors with their tables and Avro events, one relay, in one process. */
import { join } from 'node:path';
import { z } from 'zod';
import { only, topics } from '@lead-flood/contracts';
import type { LeadDiscovered, LeadEnriched, LeadScored, MessageSent, Topic } from '@lead-flood/contracts';
import { createCodec, createProducer, createRegistry, createTopics } from '@lead-flood/kafka';
import { apply, derivedId, systemClock } from '@lead-flood/kernel';
import type { Decision } from '@lead-flood/kernel';
import { createDatabase, createDocumentStore, migrate, startRelay } from '@lead-flood/postgres';
import type { DocumentStore, Relay } from '@lead-flood/postgres';
import { batchProcessor, emit, silentTelemetry } from '@lead-flood/processor';
import type { BatchProcessor, Starter } from '@lead-flood/processor';
import type { Contender } from './contender.ts';
import { clientOf, PARTITIONS } from './kafkajs.ts';
import { schemaOf } from './stages.ts';
import type { Lead, Servers } from './stages.ts';

const orgId = derivedId('peers', 'org');
const migrations = join(import.meta.dirname, 'migrations');

type Row = { readonly data: string; readonly times: number };
const initial = (): Row => ({ data: '', times: 0 });

const storeOf = (stage: string): DocumentStore<Row> =>
  createDocumentStore<Row>({
    table: `stage_${stage}`,
    state: z.object({ data: z.string(), times: z.int() }),
    columns: [{ name: 'times', type: 'int4', of: (row) => row.times }],
  });

const seen = <O>(row: Row, data: string, out: readonly O[]): Decision<Row, O> =>
  apply({ data, times: row.times + 1 }, out);

const nobody = {
  firstName: null,
  lastName: null,
  fullName: null,
  email: null,
  phone: null,
  linkedinUrl: null,
  title: null,
};
/** The lead's data travels as the company's name: any field would do. */
const company = (data: string): LeadDiscovered['company'] => ({
  name: data,
  domain: null,
  countryIso: null,
  employees: null,
  industry: null,
});
const plain = { orgId, icpId: null, projectId: null, person: nobody };

const discovered = (leadId: string, data: string, now: number): LeadDiscovered => ({
  ...plain,
  leadId,
  submissionId: leadId,
  source: 'peers',
  submittedAt: now,
  discoveredAt: now,
  company: company(data),
  icpVersion: null,
  icpMatch: 'none',
  attributes: {},
  jobId: null,
});

const enriched = (leadId: string, data: string, now: number): LeadEnriched => ({
  ...plain,
  leadId,
  submittedAt: now,
  enrichedAt: now,
  company: company(data),
  emailStatus: 'unknown',
  confidence: 0,
  icpMatch: 'none',
  fields: [],
  attempts: [],
  costMicros: 0,
});

const scored = (leadId: string, data: string, now: number): LeadScored => ({
  ...plain,
  leadId,
  submittedAt: now,
  scoredAt: now,
  company: company(data),
  emailStatus: 'unknown',
  value: 50,
  band: 'MEDIUM',
  reasons: [],
  scorer: 'rules',
  rulesVersion: 0,
  snapshotHash: leadId,
  snapshotVersion: 1,
});

const sent = (leadId: string, data: string, now: number): MessageSent => ({
  orgId,
  leadId,
  messageId: leadId,
  threadId: leadId,
  sequenceId: null,
  stepNumber: 1,
  channel: 'email',
  provider: 'none',
  providerMessageId: data,
  sentAt: now,
});

/** Fixes the types that a table without commands and facts has. */
const stage = <R extends readonly Topic[], W extends readonly Topic[]>(processor: BatchProcessor<Row, R, W>): Starter =>
  batchProcessor(processor);

const processors = (): readonly Starter[] => [
  stage({
    group: 'peer-ingest',
    reads: [topics['ingest.lead.v1']] as const,
    writes: [topics['discovery.lead.v1']] as const,
    store: storeOf('ingest'),
    initial,
    decide: {
      LeadSubmitted: (row, { key, data }, { now }) =>
        seen(row, data.company.name ?? '', [emit('LeadDiscovered', discovered(key, data.company.name ?? '', now))]),
    },
  }),
  stage({
    group: 'peer-enrich',
    reads: [only(topics['discovery.lead.v1'], ['LeadDiscovered'])] as const,
    writes: [topics['enrichment.lead.v1']] as const,
    store: storeOf('enrich'),
    initial,
    decide: {
      LeadDiscovered: (row, { key, data }, { now }) =>
        seen(row, data.company.name ?? '', [emit('LeadEnriched', enriched(key, data.company.name ?? '', now))]),
    },
  }),
  stage({
    group: 'peer-score',
    reads: [only(topics['enrichment.lead.v1'], ['LeadEnriched'])] as const,
    writes: [topics['scoring.lead.v1']] as const,
    store: storeOf('score'),
    initial,
    decide: {
      LeadEnriched: (row, { key, data }, { now }) =>
        seen(row, data.company.name ?? '', [emit('LeadScored', scored(key, data.company.name ?? '', now))]),
    },
  }),
  stage({
    group: 'peer-act',
    reads: [topics['scoring.lead.v1']] as const,
    writes: [topics['outreach.message.v1']] as const,
    store: storeOf('act'),
    initial,
    decide: {
      LeadScored: (row, { key, data }, { now }) =>
        seen(row, data.company.name ?? '', [emit('MessageSent', sent(key, data.company.name ?? '', now))]),
    },
  }),
  stage({
    group: 'peer-project',
    reads: [only(topics['outreach.message.v1'], ['MessageSent'])] as const,
    writes: [] as const,
    store: storeOf('project'),
    initial,
    decide: {
      MessageSent: (row, { data }) => seen(row, data.providerMessageId ?? '', []),
    },
  }),
];

const prefixOf = (at: Servers): string => `${at.run}.`;

const read = [
  'ingest.lead.v1',
  'discovery.lead.v1',
  'enrichment.lead.v1',
  'scoring.lead.v1',
  'outreach.message.v1',
] as const;

async function prepare(at: Servers): Promise<void> {
  await migrate({ url: at.postgres, schema: schemaOf(at.run), folder: migrations });
  await createTopics(
    clientOf(at),
    read.map((name) => ({ ...topics[name], partitions: PARTITIONS })),
    prefixOf(at),
  );
}

async function seed(at: Servers, leads: readonly Lead[]): Promise<void> {
  const codec = await createCodec(createRegistry(at.registry), ['LeadSubmitted']);
  const producer = await createProducer(clientOf(at));
  for (let i = 0; i < leads.length; i += 1_000)
    await producer.send(
      leads.slice(i, i + 1_000).map(({ id, data }) => ({
        topic: `${prefixOf(at)}ingest.lead.v1`,
        key: id,
        headers: {},
        value: codec.encode('LeadSubmitted', {
          ...plain,
          source: 'peers',
          externalId: id,
          submittedAt: Date.now(),
          company: company(data),
          consent: null,
          attributes: {},
          jobId: null,
        }),
      })),
    );
  await producer.stop();
}

async function work(at: Servers): Promise<void> {
  const schema = schemaOf(at.run);
  const database = await createDatabase({ url: at.postgres, schema, applicationName: 'peers', connectionsMax: 12 });
  const codec = await createCodec(createRegistry(at.registry), [
    'LeadDiscovered',
    'LeadEnriched',
    'LeadScored',
    'MessageSent',
  ]);
  const client = clientOf(at);
  const producer = await createProducer(client);
  const relay: Relay = startRelay({
    database,
    schema,
    publish: (messages) =>
      producer.send(messages.map((message) => ({ ...message, topic: prefixOf(at) + message.topic }))),
    onError: (error) => process.stderr.write(`${error.message}\n`),
  });
  for (const starter of processors())
    await starter.start({
      client,
      codec,
      database,
      clock: systemClock,
      telemetry: silentTelemetry,
      topicPrefix: prefixOf(at),
      wakeRelay: relay.wake,
      onFatal: (error) => {
        throw error;
      },
    });
}

export const ours: Contender = {
  name: 'lead-flood',
  note: 'schemas, version guard, fencing, dead letters, decisions; every row and event in one transaction',
  leads: 40_000,
  prepare,
  seed,
  work,
};
