/**
 * "Why is it stuck?" on a product of its own: each situation is really made, the command is really run, and its first
 * line and exit code are what an operator would see. Mended again, the next look finds nothing.
 */
import '../../deploy/local/test/fixtures/own-servers.ts';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TopicName } from '@lead-flood/contracts';
import { createKafkaClient, createProducer } from '@lead-flood/kafka';
import { randomId } from '@lead-flood/kernel';
import { repositoryRoot, startProduct, startStack } from '@lead-flood/local';
import type { Product, Stack } from '@lead-flood/local';
import type { Database } from '@lead-flood/postgres';
import { createDatabase, readPositions, RELAY_LOCK_CLASS, sql } from '@lead-flood/postgres';
import type { Facts } from '@lead-flood/service';
import { eventually, testCodec } from '@lead-flood/testing';
import { person } from '../faults/people.ts';

let directory: string;
let stack: Stack;
let product: Product;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lead-flood-doctor-'));
  stack = await startStack({ directory });
  const { kafka, registry, postgres, redis } = stack.addresses;
  Object.assign(process.env, {
    KAFKA_BROKERS: kafka,
    SCHEMA_REGISTRY_URL: registry,
    DATABASE_URL: postgres,
    REDIS_URL: redis,
  });
  // A breaker that stays open for as long as somebody looks at it.
  product = await startProduct({ stack, env: { LOG_LEVEL: 'warn', ENRICHMENT_BREAKER_RESET_MS: '600000' } });
  // A group that has never read anything is known by nothing but its process: let each have read something.
  const codec = await testCodec();
  const data = person(1_000, product.seeds.orgId);
  await publish([{ key: data.externalId, value: codec.encode('LeadSubmitted', data) }]);
  await withDatabase('scoring', 'test', (database) =>
    eventually('a lead to be scored', async () => (await readPositions(database, 'scoring')).length > 0),
  );
}, 120_000);

afterAll(async () => {
  await product.stop();
  await stack.stop();
  rmSync(directory, { recursive: true, force: true });
});

type Told = { readonly code: number | null; readonly text: string; readonly first: string };

/** The command as an operator runs it. */
async function doctor(...args: readonly string[]): Promise<Told> {
  const services = Object.entries(product.operations).flatMap(([name, url]) => ['--service', `${name}=${url}`]);
  const none = join(directory, 'none.json');
  const child = spawn(
    process.execPath,
    [join(repositoryRoot, 'deploy/local/src/cli.ts'), 'doctor', '--addresses', none, ...services, ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.on('data', (part: Buffer) => {
    text += part.toString('utf8');
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const first = text.split('\n')[0] ?? '';
  return { code, text, first };
}

/** Until the first sentence is this one; what it said instead stands in the failure. */
async function saysFirst(sentence: RegExp, code: number): Promise<string> {
  let last: Told = { code: null, text: '', first: '' };
  try {
    await eventually(
      'the doctor to see it',
      async () => {
        last = await doctor();
        return sentence.test(last.first) && last.code === code;
      },
      45_000,
    );
  } catch (error) {
    throw new Error(`said with exit ${last.code}: ${last.text}`, { cause: error });
  }
  console.info(`exit ${last.code}  ${last.first}`);
  return last.text;
}

const isHealthyAgain = (): Promise<string> => saysFirst(/^Nothing is blocked\.$/, 0);

/**
 * Healthy, and nothing is on its way either: a healthy product may still have leads in the middle of the line, whose
 * messages would stand before those that the next situation makes. Two looks, since one asks each place at its own time.
 */
async function isQuietAgain(): Promise<void> {
  await isHealthyAgain();
  let quietLooks = 0;
  await eventually(
    'no message to be on its way',
    async () => {
      const { facts } = JSON.parse((await doctor('--json')).text) as { facts: Facts };
      const isQuiet =
        facts.groups.every(({ behind }) => behind.length === 0) &&
        facts.schemas.every(
          ({ outbox, redeliveries }) =>
            outbox.backlog === 0 && Object.values(redeliveries).every((waiting) => waiting === 0),
        );
      quietLooks = isQuiet ? quietLooks + 1 : 0;
      return quietLooks === 2;
    },
    60_000,
  );
}

async function withDatabase<T>(schema: string, applicationName: string, work: (database: Database) => Promise<T>) {
  const database = await createDatabase({ url: stack.addresses.postgres, schema, applicationName, connectionsMax: 2 });
  try {
    return await work(database);
  } finally {
    await database.end();
  }
}

const outboxRow = (schema: string) =>
  withDatabase(schema, 'test', (database) =>
    database.query(sql.unsafe`
      insert into outbox (topic, key, headers, value) values ('ingest.reply.v1', 'nobody', '{}', null)
    `),
  );

async function control(path: string, body: object): Promise<void> {
  await fetch(`${product.sandbox}/_control${path}`, {
    method: 'PUT',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
}

async function publish(
  records: readonly { key: string; value: Buffer }[],
  topic: TopicName = 'ingest.lead.v1',
): Promise<void> {
  const client = createKafkaClient({
    brokers: stack.addresses.kafka.split(','),
    clientId: 'test',
    log: () => undefined,
  });
  const producer = await createProducer(client);
  await producer.send(records.map((record) => ({ topic, headers: {}, ...record })));
  await producer.stop();
}

const token = async (role: string): Promise<string> => {
  const answer = await fetch(`${product.gateway}/v1/auth/token`, {
    method: 'POST',
    body: JSON.stringify({ userId: randomId(), role }),
    headers: { 'content-type': 'application/json' },
  });
  return ((await answer.json()) as { accessToken: string }).accessToken;
};
const askGateway = async (role: string): Promise<Response> =>
  fetch(`${product.gateway}/internal/doctor`, { headers: { authorization: `Bearer ${await token(role)}` } });

describe('npm run doctor', { timeout: 120_000 }, () => {
  it('finds nothing wrong with a product that works, and says so in JSON too', async () => {
    const text = await isHealthyAgain();
    expect(text).toMatch(/^group +members +lag/m);
    for (const name of ['discovery', 'outreach-send', 'analytics-dead-letters', 'ingest-gateway'])
      expect(text).toContain(name);
    const { code, text: json } = await doctor('--json');
    expect(code).toBe(0);
    expect(JSON.parse(json)).toMatchObject({ verdict: 'healthy', causes: [], facts: { unanswered: [] } });
  });

  it('is asked through the gateway by administrators, and by nobody else', async () => {
    const told = await askGateway('admin');
    expect(told.status).toBe(200);
    expect(await told.json()).toMatchObject({ verdict: 'healthy', sentence: 'Nothing is blocked.' });
    expect((await askGateway('ops')).status).toBe(403);
    expect((await fetch(`${product.gateway}/status`)).status).toBe(404);
  });

  it('names the breaker that a failing provider has opened, and who waits for it', async () => {
    const providers = ['apollo', 'hunter', 'pdl'];
    for (const name of providers) await control(`/providers/${name}`, { mode: 'down' });
    const codec = await testCodec();
    await publish(
      Array.from({ length: 80 }, (_, i) => {
        const data = person(i, product.seeds.orgId);
        return { key: data.externalId, value: codec.encode('LeadSubmitted', data) };
      }),
    );
    await saysFirst(/^The breaker of \w+ in enrichment is open: it failed too often, \d+ messages wait/, 1);
    for (const name of providers) await control(`/providers/${name}`, { mode: 'ok' });
    await product.processes.get('enrichment')?.restart();
    await isQuietAgain();
  });

  it('names who holds the lock of a relay that does not publish, and the timers that wait with it', async () => {
    const locked = Promise.withResolvers<undefined>();
    const release = Promise.withResolvers<undefined>();
    const thief = withDatabase('outreach', 'a-stranger', (database) =>
      database.connect(async (connection) => {
        await connection.query(sql.unsafe`
          select pg_terminate_backend(pid) from pg_locks
          where locktype = 'advisory' and classid::bigint = ${RELAY_LOCK_CLASS}
            and objid::bigint = hashtext('outreach')::bigint & 4294967295
        `);
        await connection.query(sql.unsafe`select pg_advisory_lock(${RELAY_LOCK_CLASS}, hashtext('outreach'))`);
        await connection.query(sql.unsafe`
          insert into timers (id, due_at, topic, key, headers)
          values (gen_random_uuid(), now() - interval '90 s', 'ingest.reply.v1', 'nobody', '{}')
        `);
        locked.resolve(undefined);
        await release.promise;
        await connection.query(sql.unsafe`delete from timers where key = 'nobody'`);
      }),
    );
    await locked.promise;
    try {
      await saysFirst(
        /^1 timer of outreach is overdue, the oldest by \d+ s; its lock is held by a-stranger \(pid \d+\)\.$/,
        1,
      );
      await outboxRow('outreach');
      await saysFirst(
        /^The relay of outreach does not publish: 1 message waits, the oldest for \d+ s; its lock is held by a-stranger/,
        1,
      );
    } finally {
      release.resolve(undefined);
      await thief;
    }
    await isHealthyAgain();
  });

  it('names the transaction that holds back what the relay may publish', async () => {
    const open = Promise.withResolvers<undefined>();
    const end = Promise.withResolvers<undefined>();
    const forgotten = withDatabase('scoring', 'a-report', (database) =>
      database.transaction(async (tx) => {
        await tx.query(sql.unsafe`set local idle_in_transaction_session_timeout = 0`);
        await tx.query(sql.unsafe`select pg_current_xact_id()`);
        open.resolve(undefined);
        await end.promise;
      }),
    );
    await open.promise;
    try {
      await outboxRow('scoring');
      await saysFirst(
        /^The relay of scoring does not publish: 1 message waits, .*; a transaction of a-report \(pid \d+\) is open for \d+ s/,
        1,
      );
    } finally {
      end.resolve(undefined);
      await forgotten;
    }
    await isHealthyAgain();
  });

  it('names a service that is gone, and the group that stands still for it', async () => {
    const scoring = product.processes.get('scoring');
    scoring?.kill('SIGKILL');
    await scoring?.exited;
    await saysFirst(/^scoring does not answer \(ECONNREFUSED\): scoring stands still\.$/, 1);
    await scoring?.restart();
    await isHealthyAgain();
  });

  it.each(['registry', 'kafka', 'postgres', 'redis'] as const)(
    'names %s when it is away, before all that follows from it',
    async (name) => {
      await stack.servers.get(name)?.kill();
      await saysFirst(new RegExp(`^(The schema )?${name} at \\S+ is away \\(`, 'i'), 1);
      await stack.restart(name);
      if (name === 'registry') {
        const { registerSchemas } = await import('@lead-flood/kafka');
        await registerSchemas(stack.addresses.registry);
      }
      await isHealthyAgain();
    },
  );

  it('names the group that garbage has halted, and where', async () => {
    // On a topic that only we write: that of outsiders halts nobody.
    await publish(
      Array.from({ length: 30 }, (_, i) => ({ key: 'one', value: Buffer.from(`garbage ${i}`) })),
      'discovery.icp.v1',
    );
    await saysFirst(/^scoring-rules in scoring has halted at discovery\.icp\.v1\/\d@\d+: 30 of 30 messages/, 1);
    // A message's key is its organisation's business: the machine's operator sees it, an administrator does not.
    expect((await doctor('--json')).text).toContain('"key": "one"');
    expect(await (await askGateway('admin')).text()).not.toContain('"one"');
  });
});
