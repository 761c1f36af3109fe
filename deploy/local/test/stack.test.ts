// The local stack on real servers: it answers by every protocol, lives beside another, and leaves nothing behind.
import './fixtures/own-servers.ts';
// Before kafkajs itself, which it repairs as it is loaded.
import '@lead-flood/kafka';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Addresses } from '../src/addresses.ts';
import { startedAtTicks } from '../src/process-identity.ts';
import { startStack } from '../src/stack.ts';
import type { Stack, StackOptions } from '../src/stack.ts';

const timeoutMs = 120_000;
const folders: string[] = [];
const stacks: Stack[] = [];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lead-flood-test-'));
  folders.push(folder);
  return folder;
}

async function newStack(options: StackOptions = {}): Promise<Stack> {
  const stack = await startStack({ directory: newFolder(), ...options });
  stacks.push(stack);
  return stack;
}

afterEach(() => Promise.all(stacks.splice(0).map((stack) => stack.stop())), timeoutMs);
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

async function query(addresses: Addresses, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: addresses.postgres });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

function say(address: string, words: string): Promise<string> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: hostname, port: Number(port) }, () => socket.write(words));
    socket.once('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString('utf8'));
    });
  });
}

async function topics(addresses: Addresses, create?: string): Promise<string[]> {
  const admin = new Kafka({ brokers: [addresses.kafka], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    if (create !== undefined)
      await admin.createTopics({ topics: [{ topic: create, numPartitions: 3 }], waitForLeaders: true });
    return await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

describe('a local stack', () => {
  it(
    'answers by every protocol, survives the crash of each server, and leaves nothing behind',
    { timeout: timeoutMs },
    async () => {
      const stack = await newStack();
      expect(await topics(stack.addresses, 'scoring.lead.v1')).toContain('scoring.lead.v1');
      const settings = `SELECT current_database() AS database, current_setting('fsync') AS fsync,
      current_setting('max_connections') AS connections, current_setting('server_version_num')::int / 10000 AS major`;
      const expected = { database: 'leadflood', fsync: 'on', connections: '200', major: 18 };
      expect(await query(stack.addresses, settings)).toEqual([expected]);
      expect(await say(stack.addresses.redis, 'PING\r\n')).toBe('+PONG\r\n');
      const subjects = await fetch(`${stack.addresses.registry}/subjects`);
      expect([subjects.status, await subjects.json()]).toEqual([200, []]);

      await query(stack.addresses, 'CREATE TABLE kept AS SELECT 1 AS id');
      for (const name of stack.servers.keys()) {
        const before = stack.servers.get(name)?.pid;
        const after = await stack.restart(name);
        expect(after.pid).not.toBe(before);
        expect(await after.ready()).toBe(true);
      }
      expect(await query(stack.addresses, 'SELECT id FROM kept')).toEqual([{ id: 1 }]);
      expect(await topics(stack.addresses)).toContain('scoring.lead.v1');

      const pids = [...stack.servers.values()].map((server) => server.pid);
      expect(pids.map(startedAtTicks)).not.toContain(undefined);
      await stack.stop();
      expect(pids.map(startedAtTicks)).toEqual([undefined, undefined, undefined, undefined]);
      expect(readdirSync(stack.directory).filter((name) => !name.endsWith('.log'))).toEqual([]);
    },
  );

  it('runs beside another that started at the same instant', { timeout: timeoutMs }, async () => {
    const [one, other] = await Promise.all([
      newStack({ preferUsualPorts: true }),
      newStack({ preferUsualPorts: true }),
    ]);
    const ports = [one, other].flatMap((stack) => [...stack.servers.values()].map((server) => server.port));
    expect(new Set(ports).size).toBe(8);
    await query(one.addresses, 'CREATE TABLE mine AS SELECT 1 AS id');
    expect(await query(other.addresses, "SELECT to_regclass('mine')::text AS found")).toEqual([{ found: null }]);
    expect(await topics(one.addresses, 'one.lead.v1')).toContain('one.lead.v1');
    expect(await topics(other.addresses)).not.toContain('one.lead.v1');
  });

  it('refuses a folder in which a stack runs', { timeout: timeoutMs }, async () => {
    const stack = await newStack();
    const second = startStack({ directory: stack.directory });
    await expect(second).rejects.toMatchObject({ code: 'LOCAL_ERR_ALREADY_RUNNING' });
    await expect(second).rejects.toThrow(`pid ${process.pid}`);
    expect(existsSync(join(stack.directory, 'owner.json'))).toBe(true);
  });

  it('is the given one when all addresses are in the environment', async () => {
    const given = {
      KAFKA_BROKERS: 'kafka:9092',
      SCHEMA_REGISTRY_URL: 'http://registry:8081',
      DATABASE_URL: 'postgres://db/leadflood',
      REDIS_URL: 'redis://redis:6379',
    };
    Object.assign(process.env, given);
    try {
      const stack = await startStack();
      expect(Object.values(stack.addresses).toSorted()).toEqual(Object.values(given).toSorted());
      expect(stack.servers.size).toBe(0);
      delete process.env['REDIS_URL'];
      await expect(startStack()).rejects.toThrow('missing: REDIS_URL');
    } finally {
      for (const name of Object.keys(given)) delete process.env[name];
    }
  });
});
