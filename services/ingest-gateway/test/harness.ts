/** The gateway in this process on a database of its own, before a real HTTP server that plays the other services. */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { EventName, Principal } from '@lead-flood/contracts';
import { avroSchemas, topics } from '@lead-flood/contracts';
import type { Codec } from '@lead-flood/kafka';
import { createCodec, createKafkaClient, createRegistry, createTopics } from '@lead-flood/kafka';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import {
  createLog,
  createPrincipalVerifier,
  principalHeader,
  readConfig,
  sharedConfig,
  startService,
} from '@lead-flood/service';
import { createTestDatabase, eventually, testEnvironment } from '@lead-flood/testing';
import { z } from 'zod';
import { config as shape } from '../src/config.ts';
import type { Seeded } from '../src/seed.ts';
import { seed } from '../src/seed.ts';
import { service } from '../src/topology.ts';
import type { Sender } from '../src/webhooks-in/sender.ts';
import { addWebhookDoors } from '../src/webhooks-in/webhook-doors.ts';

export const secrets = {
  jwt: 'test-access-secret-of-more-than-32-characters',
  principal: 'test-principal-secret-of-more-than-32-characters',
  yay: 'test-yay-secret-16',
  mail: 'test-mail-secret-16',
  thread: 'test-thread-secret-of-more-than-32-characters',
};

export type Asked = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly principal: Principal | null;
};
export type Reaction = { readonly status: number; readonly body: unknown; readonly headers?: Record<string, string> };

export type Upstream = {
  readonly url: string;
  readonly asked: Asked[];
  /** What the next requests get; by default 200 with what was asked. */
  react: (asked: Asked) => Reaction | Promise<Reaction>;
  readonly close: () => Promise<void>;
};

export async function startUpstream(): Promise<Upstream> {
  const verify = createPrincipalVerifier(secrets.principal);
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const token = request.headers[principalHeader];
      const answer = async (): Promise<void> => {
        const principal = await verify(typeof token === 'string' ? token : undefined).catch(() => null);
        const one: Asked = {
          method: request.method ?? '',
          path: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(chunks).toString('utf8'),
          principal,
        };
        asked.push(one);
        const { status, body, headers } =
          principal === null
            ? { status: 401, body: { error: 'no principal' }, headers: {} }
            : await upstream.react(one);
        response
          .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
          .end(JSON.stringify(body));
      };
      answer().catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const upstream: Upstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    react: ({ method, path }) => ({ status: 200, body: { method, path } }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
  return upstream;
}

export type Ask = {
  readonly method?: string;
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
  readonly body?: string | Buffer | FormData;
};
export type Told = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: () => Readonly<Record<string, unknown>>;
  readonly code: () => string;
  readonly detail: () => unknown;
};

export type Gateway = {
  readonly url: string;
  readonly database: Database;
  readonly codec: Codec;
  readonly seeded: Seeded;
  readonly upstream: Upstream;
  /** Live routes as `METHOD path`. */
  readonly routes: readonly string[];
  readonly ask: (path: string, ask?: Ask) => Promise<Told>;
  readonly mint: (role: string, userId?: string) => Promise<string>;
  readonly outbox: () => Promise<
    { topic: string; key: string | null; headers: Record<string, string>; data: Readonly<Record<string, unknown>> }[]
  >;
  readonly stop: () => Promise<void>;
};

export const migrations = join(import.meta.dirname, '../migrations');

/** `senders`: others than those that the gateway knows. */
export async function startGateway(
  overrides: Readonly<Record<string, string>> = {},
  senders: readonly Sender[] = [],
): Promise<Gateway> {
  const environment = testEnvironment();
  const { database, url: databaseUrl, drop } = await createTestDatabase({ schema: 'ingest_gateway', migrations });
  await createTopics(
    createKafkaClient({ brokers: environment.KAFKA_BROKERS.split(','), clientId: 'test', log: () => undefined }),
    Object.values(topics),
    '',
  );
  const upstream = await startUpstream();
  const { url } = upstream;
  const settings = {
    ...environment,
    DATABASE_URL: databaseUrl,
    REDIS_URL: '',
    // Gateways of several tests run at once: as members of one group each would hear a part of what is told to all.
    GROUPS: 'none',
    APP_ENV: 'test',
    LOG_LEVEL: 'silent',
    API_PORT: '0',
    PRINCIPAL_SECRET: secrets.principal,
    JWT_ACCESS_SECRET: secrets.jwt,
    YAY_WEBHOOK_SECRET: secrets.yay,
    MAIL_WEBHOOK_SECRET: secrets.mail,
    MAIL_THREAD_SECRET: secrets.thread,
    AUTH_DEV_TOKEN_MINT: 'true',
    IP_LIMIT: '1000000',
    RATE_LIMIT_RPM: '1000000',
    AUTH_ATTEMPTS_MAX: '1000',
    DISCOVERY_URL: url,
    SCORING_URL: url,
    ENRICHMENT_URL: url,
    OUTREACH_URL: url,
    CALL_ALLOCATION_URL: url,
    ANALYTICS_URL: url,
    ...overrides,
  };
  const config = { ...readConfig(sharedConfig, settings), ...readConfig(shape, settings) };
  const routes: string[] = [];
  const watched: typeof service = {
    ...service,
    build: (deps, server) => {
      server.addHook('onRoute', ({ method, url: path }) => {
        routes.push(...[method].flat().map((one) => `${one} ${path}`));
      });
      const { now } = deps.clock;
      addWebhookDoors(server, { ...deps, now }, senders);
      return service.build(deps, server);
    },
  };
  const running = await startService(watched, config, createLog('ingest-gateway', config), (error) => {
    throw error;
  });
  const codec = await createCodec(
    createRegistry(environment.SCHEMA_REGISTRY_URL),
    Object.keys(avroSchemas) as EventName[],
  );
  const seeded = await seed(database);
  const base = `http://127.0.0.1:${running.port}`;
  const ask = (path: string, options: Ask = {}): Promise<Told> => askAt(base, path, options);
  return {
    url: base,
    database,
    codec,
    seeded,
    upstream,
    routes,
    ask,
    mint: async (role, userId = `user-${role}`) =>
      String((await ask('/v1/auth/token', { json: { userId, role } })).json()['accessToken']),
    outbox: async () => {
      // Leads of files and lists wait until they are let in.
      await eventually(
        'everybody to be let in',
        async () => !(await database.exists(sql.unsafe`select 1 from admissions`)),
      );
      return readOutbox(database, codec);
    },
    stop: async () => {
      await running.stop();
      await upstream.close();
      await drop();
    },
  };
}

async function askAt(base: string, path: string, { method, token, headers, json, body }: Ask): Promise<Told> {
  const sent = json === undefined ? body : JSON.stringify(json);
  const response = await fetch(base + path, {
    method: method ?? (sent === undefined ? 'GET' : 'POST'),
    headers: {
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined || token === null ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: Buffer.isBuffer(sent) ? new Uint8Array(sent) : sent }),
    redirect: 'manual',
  });
  const text = await response.text();
  const parsed = (): Readonly<Record<string, unknown>> => JSON.parse(text) as Record<string, unknown>;
  const error = (): Readonly<Record<string, unknown>> => (parsed()['error'] ?? {}) as Record<string, unknown>;
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: parsed,
    code: () => String(error()['code']),
    detail: () => ((error()['details'] ?? {}) as Record<string, unknown>)['code'],
  };
}

async function readOutbox(database: Database, codec: Codec) {
  const rows = await database.any(sql.type(
    z.object({ topic: z.string(), key: z.string().nullable(), headers: z.string(), value: z.instanceof(Buffer) }),
  )`
    select topic, key, headers, value from outbox where topic like 'ingest.%' order by seq
  `);
  for (const { value } of rows) {
    const id = codec.schemaId(value);
    if (id !== null && !codec.knows(id)) await codec.learn(id);
  }
  return rows.map(({ topic, key, headers, value }) => {
    const decoded = codec.decode(value);
    if (!decoded.ok) throw new Error('the outbox holds an event that cannot be decoded');
    return {
      topic,
      key,
      headers: JSON.parse(headers) as Record<string, string>,
      data: decoded.data as unknown as Readonly<Record<string, unknown>>,
    };
  });
}

export const sign = (body: string | Buffer, secret: string): string =>
  createHmac('sha256', secret).update(body).digest('hex');
export const seconds = (offset = 0): string => String(Math.floor(Date.now() / 1_000) + offset);
export const csvForm = (csv: string | Buffer): FormData => {
  const form = new FormData();
  form.append(
    'file',
    new Blob([typeof csv === 'string' ? csv : new Uint8Array(csv)], { type: 'text/csv' }),
    'leads.csv',
  );
  return form;
};
