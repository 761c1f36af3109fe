/**
 * Seven processes, five thousand leads by three doors (Kafka, REST, CSV files), and in their middle a SIGKILL for each of
 * the seven. Afterwards every lead is in exactly one end state, nobody was asked or contacted twice, and the read model is
 * what a fresh fold of the topics gives. A last wave is killed while the providers know no keys: what they are then asked
 * twice is counted, and bounded by what was in flight.
 * The judge is outside: the journal of what was sent, the sandbox's own log, the topics and the tables.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createAnalytics } from '@lead-flood/analytics/projection';
import type { EventName, Events } from '@lead-flood/contracts';
import { createKafkaClient, createProducer, headerNames, headerText, readTopic } from '@lead-flood/kafka';
import type { Codec, KafkaClient } from '@lead-flood/kafka';
import { systemClock } from '@lead-flood/kernel';
import { serviceNames, startProduct, startStack } from '@lead-flood/local';
import type { Product, Stack } from '@lead-flood/local';
import { createDatabase, readPositions, sql } from '@lead-flood/postgres';
import { batchProcessor, learnSchemas, silentTelemetry } from '@lead-flood/processor';
import { createTestDatabase, dumpTables, eventually, testCodec, testEnvironment } from '@lead-flood/testing';
import { isGood, judge, linesOf, violationsOf } from '../invariants/judge.ts';
import { openWorld } from '../invariants/world.ts';
import { emptyJournal, postLead, toAcked, uploadFile } from './generator.ts';
import { person } from './people.ts';

const LEADS = 5_000;
const PER_SECOND = 400;
/** Of the leads, these come by REST and in files; the others by Kafka. */
const BY_REST = 600;
const REST_PER_SECOND = 60;
const FILES = 4;
const ROWS = 100;
const BY_KAFKA = LEADS - BY_REST - FILES * ROWS;
/** The last wave. */
const UNKEYED = 600;
/** Enrichment's default: leads that may be with providers at once, each with one question at a time. */
const IN_FLIGHT = 128;
const CHUNK = 50;
const SETTLE_MS = 150_000;

let directory: string;
let stack: Stack;
let product: Product;
let client: KafkaClient;
let codec: Codec;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lead-flood-kill-'));
  // Servers of its own: other suites write to the same topics of the shared ones.
  for (const name of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL'])
    Reflect.deleteProperty(process.env, name);
  stack = await startStack({ directory });
  const { kafka, registry, postgres, redis } = stack.addresses;
  Object.assign(process.env, {
    KAFKA_BROKERS: kafka,
    SCHEMA_REGISTRY_URL: registry,
    DATABASE_URL: postgres,
    REDIS_URL: redis,
  });
  product = await startProduct({ stack, env: { LOG_LEVEL: 'warn', RATE_LIMIT_RPM: '100000' } });
  client = createKafkaClient({
    brokers: testEnvironment().KAFKA_BROKERS.split(','),
    clientId: 'kill-test',
    log: () => undefined,
  });
  codec = await testCodec();
  // A call under way at a kill is made again with the same key; a provider that knows keys counts it once.
  for (const provider of ['apollo', 'hunter', 'pdl']) await control('PUT', `/providers/${provider}`, { dedupe: true });
}, 120_000);

afterAll(async () => {
  await product.stop();
  await stack.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function control(method: string, path: string, body?: object): Promise<string> {
  const init =
    body === undefined
      ? { method }
      : { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const answer = await fetch(`${product.sandbox}/_control${path}`, init);
  return answer.text();
}

type Seen = {
  readonly [N in EventName]: { readonly name: N; readonly id: string; readonly data: Events[N] };
}[EventName];

/** The events of a topic, a repeat of the same message id once. */
async function eventsOf(topic: string): Promise<Seen[]> {
  const records = await readTopic(client, topic);
  await learnSchemas(codec, records);
  const byId = new Map<string, Seen>();
  for (const record of records) {
    const decoded = codec.decode(record.value);
    const id = headerText(record.headers, headerNames.messageId) ?? '';
    if (decoded.ok) byId.set(id, { name: decoded.name, id, data: decoded.data } as Seen);
  }
  return [...byId.values()];
}

async function send(first: number, count: number): Promise<void> {
  const producer = await createProducer(client);
  const startedAt = Date.now();
  for (let start = 0; start < count; start += CHUNK) {
    const leads = Array.from({ length: CHUNK }, (_, i) => person(first + start + i, product.seeds.orgId));
    await producer.send(
      leads.map((data) => ({
        topic: 'ingest.lead.v1',
        key: data.externalId,
        headers: {},
        value: codec.encode('LeadSubmitted', data),
      })),
    );
    const aheadMs = ((start + CHUNK) / PER_SECOND) * 1_000 - (Date.now() - startedAt);
    if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
  }
  await producer.stop();
}

const journal = emptyJournal();

/** A steady stream by REST and a file every few seconds, none of which waits for another. */
async function handIn(): Promise<void> {
  const door = { url: product.gateway, apiKey: product.seeds.apiKey };
  const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  await Promise.all([
    ...Array.from({ length: BY_REST }, async (_, i) => {
      await later((i / REST_PER_SECOND) * 1_000);
      await postLead(door, journal, BY_KAFKA + i);
    }),
    ...Array.from({ length: FILES }, async (_, file) => {
      await later(1_000 + file * 2_250);
      const first = BY_KAFKA + BY_REST + file * ROWS;
      await uploadFile(
        door,
        journal,
        Array.from({ length: ROWS }, (_row, i) => first + i),
      );
    }),
  ]);
}

/** One service a second, each while the others work; it comes back at once. */
async function killAll(): Promise<void> {
  await Promise.all(
    serviceNames.map(async (name, i) => {
      await new Promise((resolve) => setTimeout(resolve, 1_500 + i * 1_000));
      const process = product.processes.get(name);
      process?.kill('SIGKILL');
      await process?.exited;
      await process?.restart();
    }),
  );
}

/** What the lookup providers accepted, by question. */
async function questions(): Promise<Map<string, unknown[]>> {
  const calls = (await control('GET', '/log?limit=200000'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { provider: string; operation: string; subject: string });
  return Map.groupBy(
    calls.filter(({ provider }) => ['apollo', 'hunter', 'pdl'].includes(provider)),
    (call) => `${call.provider} ${call.operation} ${call.subject}`,
  );
}

async function answersStored(): Promise<number> {
  const database = await createDatabase({
    url: testEnvironment().DATABASE_URL,
    schema: 'enrichment',
    applicationName: 'kill-test',
    connectionsMax: 1,
  });
  const count = await database.oneFirst(
    sql.type(z.object({ n: z.int() }))`select count(*)::int as n from journal where done`,
  );
  await database.end();
  return count;
}

describe('SIGKILL of each of seven services in the middle of 5,000 leads', () => {
  const ends = new Map<string, string[]>();
  let unknown = 0;

  it('loses no lead and leaves each in exactly one end state', { timeout: 300_000 }, async () => {
    await Promise.all([send(0, BY_KAFKA), handIn(), killAll()]);
    await eventually('every lead to reach an end', async () => (await endStates()).size >= LEADS || null, SETTLE_MS);
    const discovered = (await eventsOf('discovery.lead.v1')).filter((event) => event.name === 'LeadDiscovered');
    const scored = await eventsOf('scoring.lead.v1');
    expect(discovered).toHaveLength(LEADS);
    expect(new Set(discovered.map((event) => event.data.submissionId)).size).toBe(LEADS);
    expect(scored).toHaveLength(LEADS);
    for (const [lead, states] of await endStates()) ends.set(lead, states);
    expect([...ends].filter(([, states]) => states.length !== 1)).toEqual([]);
    expect(ends.size).toBe(LEADS);
  });

  it('has every lead and every row that was acknowledged, and none of them twice', async () => {
    const events = await eventsOf('discovery.lead.v1');
    const discovered = events.filter((event) => event.name === 'LeadDiscovered');
    const { leads, files, lost } = journal;
    const already = [...leads.values()].filter((id) => id === null).length;
    console.info(`${lost} answers lost or not final; ${already} of ${leads.size} leads were there when asked again`);
    expect(lost).toBeGreaterThan(0);
    expect([leads.size, [...files.values()]]).toEqual([BY_REST, Array.from({ length: FILES }, () => ROWS)]);
    const byRest = discovered.filter(({ data }) => data.source === 'fault-rest').map(({ data }) => data.leadId);
    const acked = [...leads.values()].filter((id) => id !== null);
    expect([byRest.length, new Set(byRest).size]).toEqual([BY_REST, BY_REST]);
    expect(acked.filter((id) => !byRest.includes(id))).toEqual([]);
    const byJob = Map.groupBy(discovered, ({ data }) => data.jobId);
    expect([...files.keys()].map((jobId) => byJob.get(jobId)?.length)).toEqual([...files.values()]);
    // A repeat of a submission is dropped as such; were it taken for another one, it would be a duplicate here.
    expect(events.filter((event) => event.name === 'LeadDuplicated')).toEqual([]);
  });

  it('asks no provider and contacts nobody twice', async () => {
    const doubles = JSON.parse(await control('GET', '/doubles')) as { doubles?: unknown[] } | unknown[];
    expect(Array.isArray(doubles) ? doubles : doubles.doubles).toEqual([]);
    const lookups = await questions();
    expect(lookups.size).toBeGreaterThan(LEADS / 2);
    expect([...lookups].filter(([, times]) => times.length > 1).map(([question]) => question)).toEqual([]);
    // What one kill of the sender can leave in doubt is what it had under way.
    expect(unknown).toBeLessThanOrEqual(64);
  });

  it('breaks no invariant', { timeout: 200_000 }, async () => {
    const { kafka, postgres, registry } = stack.addresses;
    const world = await openWorld({
      kafka,
      postgres,
      registry,
      sandbox: product.sandbox,
      logs: directory,
      acked: toAcked(journal),
      doubtsMax: 64,
      paidTwiceMax: 0,
    });
    const verdicts = await judge(world, { settleMs: 60_000 });
    await world.end();
    console.info(linesOf(verdicts).join('\n'));
    expect(verdicts.flatMap(violationsOf)).toEqual([]);
    expect(isGood(verdicts)).toBe(true);
  });

  it('leaves a read model that equals a fold of the topics in a fresh database', { timeout: 120_000 }, async () => {
    await eventually('the projection to come to rest', async () => (await lagOf('analytics')) === 0, 60_000);
    await product.processes.get('analytics')?.stop();
    const environment = testEnvironment();
    const live = await createDatabase({
      url: environment.DATABASE_URL,
      schema: 'analytics',
      applicationName: 'kill-test',
      connectionsMax: 2,
    });
    const target = await readPositions(live, 'analytics');
    const fresh = await createTestDatabase({
      schema: 'analytics',
      migrations: join(import.meta.dirname, '../../services/analytics/migrations'),
    });
    const failed = Promise.withResolvers<never>();
    const running = await batchProcessor(
      createAnalytics({
        applied: () => undefined,
        lastEventAt: () => null,
        projectionMs: () => null,
      }),
    ).start({
      client,
      codec,
      database: fresh.database,
      clock: systemClock,
      telemetry: silentTelemetry,
      wakeRelay: () => undefined,
      onFatal: failed.reject,
    });
    const reached = eventually(
      'the fresh fold to reach the same offsets',
      async () => {
        const positions = new Map(
          (await readPositions(fresh.database, 'analytics')).map((p) => [`${p.topic}/${p.partition}`, p.nextOffset]),
        );
        return target.every((p) => (positions.get(`${p.topic}/${p.partition}`) ?? 0) >= p.nextOffset);
      },
      60_000,
    );
    await Promise.race([reached, failed.promise]);
    await running.stop();
    const ignore = { lead_models: [], dead_letters: [] };
    const expected = await dumpTables(live, ignore);
    const actual = await dumpTables(fresh.database, ignore);
    expect(actual['lead_models']).toHaveLength(LEADS);
    expect(actual['lead_models']).toEqual(expected['lead_models']);
    await live.end();
    await fresh.drop();
  });

  it(
    'makes providers that know no keys answer twice at most what was in flight at the kill',
    { timeout: 200_000 },
    async () => {
      await control('POST', '/reset');
      for (const provider of ['apollo', 'hunter', 'pdl'])
        await control('PUT', `/providers/${provider}`, { dedupe: false });
      const ended = (await endStates()).size;
      const answeredBefore = await answersStored();
      const kill = async (): Promise<void> => {
        await eventually('the wave to be under way', async () => (await questions()).size > UNKEYED / 4);
        const process = product.processes.get('enrichment');
        process?.kill('SIGKILL');
        await process?.exited;
        await process?.restart();
      };
      await Promise.all([send(LEADS, UNKEYED), kill()]);
      await eventually('the wave to end', async () => (await endStates()).size >= ended + UNKEYED || null, SETTLE_MS);
      const asked = await questions();
      const twice = [...asked.values()].filter((times) => times.length > 1);
      console.info(`${twice.length} of ${asked.size} questions asked twice, ${IN_FLIGHT} calls may be in flight`);
      expect(Math.max(1, ...twice.map((times) => times.length))).toBeLessThanOrEqual(2);
      expect(twice.length).toBeLessThanOrEqual(IN_FLIGHT);
      // What was paid twice is told from what is known: the journal keeps one answer a question.
      const answers = (await answersStored()) - answeredBefore;
      expect(answers).toBeGreaterThan(UNKEYED / 2);
      expect(answers).toBeLessThanOrEqual(asked.size);
    },
  );

  async function endStates(): Promise<Map<string, string[]>> {
    const [messages, tasks] = await Promise.all([eventsOf('outreach.message.v1'), eventsOf('call-allocation.task.v1')]);
    const found = new Map<string, string[]>();
    unknown = 0;
    const add = (leadId: string, state: string): void => {
      found.set(leadId, [...(found.get(leadId) ?? []), state]);
    };
    for (const event of [...messages, ...tasks]) {
      if (
        event.name === 'MessageSent' ||
        event.name === 'LeadNotContacted' ||
        event.name === 'CallTaskCreated' ||
        event.name === 'CallTaskDeclined'
      )
        add(event.data.leadId, event.name);
      if (event.name === 'MessageFailed') {
        add(event.data.leadId, `MessageFailed ${event.data.outcome}`);
        if (event.data.outcome === 'unknown') unknown += 1;
      }
    }
    return found;
  }

  /** Messages between the projection's positions and the ends of its topics. */
  async function lagOf(group: string): Promise<number> {
    const database = await createDatabase({
      url: testEnvironment().DATABASE_URL,
      schema: 'analytics',
      applicationName: 'kill-test',
      connectionsMax: 1,
    });
    const { topicEnds } = await import('@lead-flood/kafka');
    const positions = new Map(
      (await readPositions(database, group)).map((p) => [`${p.topic}/${p.partition}`, p.nextOffset]),
    );
    await database.end();
    let lag = 0;
    for (const topic of [
      'discovery.lead.v1',
      'enrichment.lead.v1',
      'scoring.lead.v1',
      'outreach.message.v1',
      'call-allocation.task.v1',
    ]) {
      for (const [partition, { high }] of Object.entries(await topicEnds(client, topic)))
        lag += Math.max(0, high - (positions.get(`${topic}/${partition}`) ?? 0));
    }
    return lag;
  }
});
