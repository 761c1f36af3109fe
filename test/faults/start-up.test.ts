/**
 * Servers that are away when a service starts, and that go away once it runs: discovery without Postgres, enrichment
 * without registry and Redis, scoring without a broker, and the gateway without each of the three in turn, as real
 * processes. Each server is away in both ways: nothing listens, and something listens that never answers.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { errorBody, topics } from '@lead-flood/contracts';
import type { EventName, LeadScored } from '@lead-flood/contracts';
import {
  createCodec,
  createKafkaClient,
  createProducer,
  createRegistry,
  createTopics,
  readTopic,
  registerSchemas,
} from '@lead-flood/kafka';
import type { Codec, KafkaClient, Producer } from '@lead-flood/kafka';
import { freePort, repositoryRoot, startProcess, startStack } from '@lead-flood/local';
import type { ManagedProcess, Stack } from '@lead-flood/local';
import { createDatabase, sql } from '@lead-flood/postgres';
import { learnSchemas } from '@lead-flood/processor';
import { eventually } from '@lead-flood/testing';
import { openDoor } from './door.ts';
import type { Door, DoorState } from './door.ts';
import { person } from './people.ts';

const WAVE = 40;
const AWAY_MS = 8_000;
const SETTLE_MS = 40_000;
const ORG = '00000000-0000-4000-8000-000000000001';

const lacks = {
  discovery: 'postgres',
  enrichment: 'registry',
  scoring: 'kafka',
  'ingest-gateway/1': 'postgres',
  'ingest-gateway/2': 'registry',
  'ingest-gateway/3': 'kafka',
} as const;
type Name = keyof typeof lacks;
const names = Object.keys(lacks) as Name[];
const logOf = (name: Name): string => join(directory, `${name.replace('/', '-')}.log`);

let directory: string;
let stack: Stack;
let client: KafkaClient;
let codec: Codec;
let producer: Producer;
const doors = new Map<string, Door>();
const processes = new Map<Name, ManagedProcess>();
const operations = new Map<Name, string>();
/** Of the gateway the public one. */
const ownDoors = new Map<Name, string>();
let sent = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lead-flood-start-up-'));
  // Servers of its own: the broker is about to be stopped.
  for (const name of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL'])
    Reflect.deleteProperty(process.env, name);
  stack = await startStack({ directory });
  const { kafka, registry } = stack.addresses;
  client = createKafkaClient({ brokers: [kafka], clientId: 'start-up', log: () => undefined });
  await Promise.all([createTopics(client, Object.values(topics)), registerSchemas(registry)]);
  codec = await createCodec(createRegistry(registry), ['LeadSubmitted'] satisfies EventName[]);
  producer = await createProducer(client);
  for (const [server, { port }] of stack.servers)
    doors.set(server, await openDoor({ host: '127.0.0.1', port }, 'closed'));
  await Promise.all(names.map(start));
}, 120_000);

afterAll(async () => {
  await producer.stop();
  await Promise.all([...processes.values()].map((process) => process.stop()));
  await stack.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Ready for the supervisor is what is alive: the rest is what this suite is about. */
async function start(name: Name): Promise<void> {
  const { addresses } = stack;
  const [port, ownPort] = [await freePort(), await freePort()];
  const [service] = name.split('/');
  operations.set(name, `http://127.0.0.1:${port}`);
  ownDoors.set(name, `http://127.0.0.1:${ownPort}`);
  // Only what it lacks is behind its door; everything else it reaches.
  const through = (server: string, address: string): string =>
    server === lacks[name] || server === 'redis'
      ? address.replace(/:\d+(?=\/|$)/, `:${doors.get(server)?.port}`)
      : address;
  const { NODE_OPTIONS: _, ...environment } = process.env;
  processes.set(
    name,
    await startProcess({
      name,
      command: [
        join(repositoryRoot, 'node_modules/.bin/node'),
        join(repositoryRoot, `services/${service}/src/main.ts`),
      ],
      env: {
        ...environment,
        NODE_COMPILE_CACHE: join(repositoryRoot, '.local/compile-cache'),
        APP_ENV: 'local',
        PRINCIPAL_SECRET: 'x'.repeat(32),
        JWT_ACCESS_SECRET: 'y'.repeat(32),
        METRICS_PORT: String(port),
        HTTP_PORT: String(ownPort),
        API_PORT: String(ownPort),
        KAFKA_BROKERS: through('kafka', addresses.kafka),
        SCHEMA_REGISTRY_URL: through('registry', addresses.registry),
        DATABASE_URL: through('postgres', addresses.postgres),
        REDIS_URL: through('redis', addresses.redis),
      },
      logFile: logOf(name),
      readyUrl: `http://127.0.0.1:${port}/health`,
      readyTimeoutMs: 40_000,
      cwd: repositoryRoot,
    }),
  );
}

const readiness = z.object({ status: z.string(), db: z.string(), checks: z.record(z.string(), z.string()) });

async function ask(name: Name): Promise<{ health: number; status: number; checks: Record<string, string> }> {
  const url = operations.get(name) ?? '';
  const [health, ready] = await Promise.all([fetch(`${url}/health`), fetch(`${url}/ready`)]);
  await health.body?.cancel();
  return { health: health.status, status: ready.status, checks: readiness.parse(await ready.json()).checks };
}

const set = (state: DoorState): Promise<void[]> => Promise.all([...doors.values()].map((door) => door.set(state)));
const logged = (name: Name, message: string): number =>
  readFileSync(logOf(name), 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"message":"${message}"`)).length;
const pids = (): number[] => [...processes.values()].map(({ pid }) => pid);

async function publish(): Promise<void> {
  const leads = Array.from({ length: WAVE }, (_, i) => person(sent + i, ORG));
  sent += WAVE;
  await producer.send(
    leads.map((lead) => ({
      topic: 'ingest.lead.v1',
      key: lead.externalId,
      headers: {},
      value: codec.encode('LeadSubmitted', lead),
    })),
  );
}

/** Leads at the end of the line, repeats counted. */
async function scored(): Promise<string[]> {
  const records = await readTopic(client, 'scoring.lead.v1');
  await learnSchemas(codec, records);
  return records.flatMap(({ value }) => {
    const event = codec.decode(value);
    return event.ok && event.name === 'LeadScored' ? [(event.data as LeadScored).leadId] : [];
  });
}

/** Counted in the last table of the line, then looked at in its topic: repeats would be seen there. */
async function allProcessed(): Promise<void> {
  const database = await createDatabase({
    url: stack.addresses.postgres,
    schema: 'scoring',
    applicationName: 'start-up',
    connectionsMax: 1,
  });
  try {
    await eventually(
      `${sent} leads to be scored`,
      async () => (await database.oneFirst(count`select count(*)::int as n from lead_scores`)) === sent,
      SETTLE_MS,
    );
  } finally {
    await database.end();
  }
  await eventually('their events', async () => (await scored()).length >= sent);
  const leads = await scored();
  expect([leads.length, new Set(leads).size]).toEqual([sent, sent]);
}

const count = sql.type(z.object({ n: z.int() }));
const everybody = (what: string, holds: (name: Name) => Promise<boolean>): Promise<unknown> =>
  Promise.all(names.map((name) => eventually(`${name} ${what}`, () => holds(name), SETTLE_MS)));
/** What a client is told who comes too early. */
async function tellsToComeAgain(name: Name): Promise<boolean> {
  const answer = await fetch(`${ownDoors.get(name)}/v1/leads`);
  const { error } = errorBody.parse(await answer.json());
  return answer.status === 503 && error.code === 'unavailable' && answer.headers.get('retry-after') === '1';
}
const waitsFor = async (name: Name): Promise<boolean> => {
  const { health, status, checks } = await ask(name);
  return health === 200 && status === 503 && checks['start'] === `waiting for ${lacks[name]}` && tellsToComeAgain(name);
};

describe('a service whose servers are away', () => {
  let started: number[];

  it('where nothing listens, is alive, not ready, and names what is missing', async () => {
    await everybody('to name what it lacks', waitsFor);
  });

  it('where something listens that never answers, does the same', async () => {
    await set('silent');
    await everybody('to meet with silence', () => Promise.resolve((doors.get(lacks.discovery)?.kept() ?? 0) > 0));
    for (const server of Object.values(lacks))
      await eventually(`somebody to try ${server}`, () => (doors.get(server)?.kept() ?? 0) > 0);
    await everybody('to name what it lacks still', waitsFor);
  });

  it('that is told to end while it waits ends at once, in order', async () => {
    const waiting = processes.get('scoring');
    await eventually('scoring to say what it waits for', () => logged('scoring', 'waiting for kafka') === 1);
    waiting?.kill('SIGTERM');
    expect(await waiting?.exited).toEqual({ code: 0, signal: null });
    expect(logged('scoring', 'stopping')).toBe(1);
    await waiting?.restart();
    await eventually('the next one to say it', () => logged('scoring', 'waiting for kafka') === 2);
    started = pids();
  });

  it('becomes ready when they come, has dropped nothing, and has said once what it waited for', async () => {
    await publish();
    await set('open');
    await everybody('to be ready', async (name) => (await ask(name)).status === 200);
    for (const name of names) expect([name, (await fetch(`${ownDoors.get(name)}/ready`)).status]).toEqual([name, 200]);
    await allProcessed();
    expect(pids()).toEqual(started);
    for (const name of names) {
      // Scoring was started twice.
      expect([name, logged(name, `waiting for ${lacks[name]}`)]).toEqual([name, name === 'scoring' ? 2 : 1]);
      expect([name, logged(name, `${lacks[name]} is there`)]).toEqual([name, 1]);
    }
  });
});

describe('a running service whose servers go away', () => {
  it('says so while it lasts, lives on, and drops nothing', async () => {
    const before = pids();
    const broker = stack.servers.get('kafka')?.pid ?? 0;
    process.kill(broker, 'SIGSTOP');
    await set('closed');
    const awake = delay(AWAY_MS).then(() => process.kill(broker, 'SIGCONT'));
    const published = publish();
    try {
      await eventually('discovery to miss its database', async () => {
        const { health, status, checks } = await ask('discovery');
        return health === 200 && status === 503 && checks['db'] !== 'ok';
      });
      await eventually('scoring to miss its broker', async () => {
        const { health, status, checks } = await ask('scoring');
        // Its doors answer without the broker, so it stays ready and says what is amiss.
        return health === 200 && status === 200 && checks['kafka'] === 'no sign of life';
      });
    } finally {
      await awake;
    }
    await set('open');
    await published;
    await everybody('to have all of it again', async (name) => {
      const { status, checks } = await ask(name);
      return status === 200 && Object.values(checks).every((state) => state === 'ok');
    });
    await allProcessed();
    expect(pids()).toEqual(before);
  });
});
