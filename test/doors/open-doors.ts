/**
 * The whole product for the tests of its doors: servers of its own, seven processes, a person of every role, and an
 * administrator of another organisation. Started once per file.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { errorBody, EventName, Events, Role } from '@lead-flood/contracts';
import { roles } from '@lead-flood/contracts';
import { createKafkaClient, createProducer, headersAsText, readTopic } from '@lead-flood/kafka';
import type { OutgoingRecord } from '@lead-flood/kafka';
import { randomId } from '@lead-flood/kernel';
import { startProduct, startStack } from '@lead-flood/local';
import type { Product, ServiceName, Stack } from '@lead-flood/local';
import type { Database } from '@lead-flood/postgres';
import { createDatabase, sql } from '@lead-flood/postgres';
import { learnSchemas } from '@lead-flood/processor';
import { encodeTestEvent, testCodec } from '@lead-flood/testing';
import type { TestEvent } from '@lead-flood/testing';
import type { z } from 'zod';
import { hashPassword } from '../../services/ingest-gateway/src/auth/password.ts';

type ErrorBody = z.infer<typeof errorBody>;

export type Ask = {
  readonly method?: string;
  /** A token; null for nobody's. */
  readonly as?: string | null;
  readonly json?: unknown;
  readonly body?: RequestInit['body'];
  readonly headers?: Readonly<Record<string, string>>;
};

export type Told<T> = { readonly status: number; readonly headers: Headers; readonly text: string; readonly body: T };

export type Seen = {
  readonly [N in EventName]: {
    readonly name: N;
    readonly data: Events[N];
    readonly headers: Readonly<Record<string, string>>;
  };
}[EventName];

export type Doors = {
  readonly stack: Stack;
  readonly product: Product;
  readonly orgId: string;
  /** Access tokens by role; the stranger is an administrator of another organisation. */
  readonly tokens: Readonly<Record<Role | 'stranger', string>>;
  readonly strangerOrgId: string;
  /** That organisation has a caller as well, and an account of its own with Yay. */
  readonly strangerCallerToken: string;
  readonly strangerYaySecret: string;
  /** As the administrator unless said otherwise. */
  readonly ask: <T = Record<string, unknown>>(path: string, ask?: Ask) => Promise<Told<T>>;
  /** The code and the ids of a refusal. */
  readonly refusal: (path: string, ask?: Ask) => Promise<{ readonly status: number } & ErrorBody['error']>;
  readonly mint: (userId: string, role: Role) => Promise<string>;
  readonly publish: (...events: readonly TestEvent[]) => Promise<void>;
  readonly publishRaw: (...records: readonly OutgoingRecord[]) => Promise<void>;
  readonly eventsOf: (topic: string) => Promise<readonly Seen[]>;
  readonly database: (schema: string) => Promise<Database>;
  readonly control: <T>(method: string, path: string, body?: object) => Promise<T>;
  readonly logOf: (name: ServiceName) => readonly Readonly<Record<string, unknown>>[];
  readonly close: () => Promise<void>;
};

const PASSWORD = 'Doors-2026-Lead-Flood';

export async function openDoors(env: Readonly<Record<string, string>> = {}): Promise<Doors> {
  const directory = mkdtempSync(join(tmpdir(), 'lead-flood-doors-'));
  // Servers of its own: other suites write to the same topics of the shared ones.
  for (const name of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL'])
    Reflect.deleteProperty(process.env, name);
  const stack = await startStack({ directory });
  const { kafka, registry, postgres, redis } = stack.addresses;
  Object.assign(process.env, {
    KAFKA_BROKERS: kafka,
    SCHEMA_REGISTRY_URL: registry,
    DATABASE_URL: postgres,
    REDIS_URL: redis,
  });
  // Who holds which task is then a matter of who asked, not of the minute in which a test runs.
  const strangerOrgId = randomId();
  const strangerYaySecret = `yay-of-${strangerOrgId}`;
  const product = await startProduct({
    stack,
    env: { CALL_OFFERS_ENABLED: 'false', YAY_WEBHOOK_SECRETS: `${strangerOrgId}=${strangerYaySecret}`, ...env },
  });
  const client = createKafkaClient({ brokers: kafka.split(','), clientId: 'doors', log: () => undefined });
  const codec = await testCodec();
  const databases = new Map<string, Promise<Database>>();
  const database = (schema: string): Promise<Database> => {
    const known =
      databases.get(schema) ?? createDatabase({ url: postgres, schema, applicationName: 'doors', connectionsMax: 2 });
    databases.set(schema, known);
    return known;
  };
  await addStrangers(await database('ingest_gateway'), strangerOrgId);
  const login = async (email: string, password: string): Promise<string> => {
    const told = await askAt<{ accessToken: string }>(product.gateway, '/v1/auth/login', { json: { email, password } });
    return told.body.accessToken;
  };
  const tokens = Object.fromEntries([
    ...(await Promise.all(
      roles.map(async (role) => {
        const user = product.seeds.users.find((one) => one.role === role);
        return [role, await login(user?.email ?? '', user?.password ?? '')];
      }),
    )),
    ['stranger', await login('stranger@elsewhere.example', PASSWORD)],
  ]) as Doors['tokens'];
  const send = async (records: readonly OutgoingRecord[]): Promise<void> => {
    const producer = await createProducer(client);
    await producer.send(records);
    await producer.stop();
  };
  const ask: Doors['ask'] = (path, options = {}) => askAt(product.gateway, path, { as: tokens.admin, ...options });

  return {
    stack,
    product,
    orgId: product.seeds.orgId,
    tokens,
    strangerOrgId,
    strangerCallerToken: await login('caller@elsewhere.example', PASSWORD),
    strangerYaySecret,
    ask,
    refusal: async (path, options) => {
      const { status, body } = await ask<ErrorBody>(path, options);
      return { status, ...body.error };
    },
    mint: async (userId, role) =>
      (await ask<{ accessToken: string }>('/v1/auth/token', { json: { userId, role } })).body.accessToken,
    publish: (...events) => send(events.map((event) => encodeTestEvent(codec, event))),
    publishRaw: (...records) => send(records),
    eventsOf: async (topic) => {
      const records = await readTopic(client, topic);
      await learnSchemas(codec, records);
      return records.flatMap((record) => {
        const decoded = codec.decode(record.value);
        return decoded.ok
          ? [{ name: decoded.name, data: decoded.data, headers: headersAsText(record.headers) } as Seen]
          : [];
      });
    },
    database,
    control: async <T>(method: string, path: string, body?: object): Promise<T> =>
      (await askAt<T>(`${product.sandbox}/_control`, path, { method, ...(body === undefined ? {} : { json: body }) }))
        .body,
    logOf: (name) =>
      readFileSync(join(directory, `${name}.log`), 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    close: async () => {
      await Promise.all([...databases.values()].map(async (one) => (await one).end()));
      await product.stop();
      await stack.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function askAt<T>(base: string, path: string, { method, as, json, body, headers }: Ask): Promise<Told<T>> {
  const sent = json === undefined ? body : JSON.stringify(json);
  const response = await fetch(base + path, {
    method: method ?? (sent === undefined ? 'GET' : 'POST'),
    headers: {
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(as === undefined || as === null ? {} : { authorization: `Bearer ${as}` }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: (isJson ? JSON.parse(text) : null) as T,
  };
}

async function addStrangers(gateway: Database, orgId: string): Promise<void> {
  await gateway.query(
    sql.unsafe`insert into organizations (id, name, plan) values (${orgId}, 'Elsewhere', 'enterprise')`,
  );
  await gateway.query(sql.unsafe`
    insert into users (id, org_id, email, role, password_hash)
    values (${randomId()}, ${orgId}, 'stranger@elsewhere.example', 'admin', ${await hashPassword(PASSWORD)}),
      (${randomId()}, ${orgId}, 'caller@elsewhere.example', 'caller', ${await hashPassword(PASSWORD)})
  `);
}

export const csvForm = (csv: string): FormData => {
  const form = new FormData();
  form.append('file', new Blob([csv], { type: 'text/csv' }), 'leads.csv');
  return form;
};

/** The fields that a refusal names. */
export const issuesOf = (details: unknown): string[] =>
  (details as { issues: readonly { path: string }[] }).issues.map(({ path }) => path);

/** What every role gets from a door: the status, by role. */
export async function statusesByRole(doors: Doors, path: string, ask: Ask): Promise<Record<string, number>> {
  const told = await Promise.all(
    Object.entries(doors.tokens)
      .filter(([role]) => !role.startsWith('stranger'))
      .map(async ([role, token]) => [role, (await doors.ask(path, { ...ask, as: token })).status] as const),
  );
  return Object.fromEntries(told);
}
