/** A database of one's own per test: a clone of a migrated template, which costs about 80 ms. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { randomId } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { createDatabase, migrate, sql } from '@lead-flood/postgres';
import { testEnvironment } from './environment.ts';

export type TestDatabase = { readonly url: string; readonly database: Database; readonly drop: () => Promise<void> };

const templates = new Map<string, Promise<string>>();

function urlOf(name: string): string {
  const url = new URL(testEnvironment().DATABASE_URL);
  url.pathname = `/${name}`;
  return url.toString();
}

const uniqueName = (prefix: string): string => `${prefix}_${randomId().slice(0, 8)}`;

async function withAdmin<T>(work: (admin: Database) => Promise<T>): Promise<T> {
  const admin = await createDatabase({
    url: testEnvironment().DATABASE_URL,
    schema: 'public',
    applicationName: 'test-admin',
    connectionsMax: 1,
  });
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

async function createTemplate(schema: string, folder: string): Promise<string> {
  const name = uniqueName(`template_${schema}`);
  await withAdmin((admin) => admin.query(sql.unsafe`create database ${sql.identifier([name])}`));
  await migrate({ url: urlOf(name), schema, folder });
  return name;
}

export async function createTestDatabase(options: { schema: string; migrations: string }): Promise<TestDatabase> {
  const at = `${options.schema}:${options.migrations}`;
  const template = templates.get(at) ?? createTemplate(options.schema, options.migrations);
  templates.set(at, template);
  const from = await template;
  const name = uniqueName('test');
  await withAdmin((admin) => cloneWhenQuiet(admin, from, name));
  const url = urlOf(name);
  const database = await createDatabase({ url, schema: options.schema, applicationName: 'test', connectionsMax: 12 });
  return {
    url,
    database,
    drop: async () => {
      await database.end();
      await withAdmin((admin) =>
        admin.query(sql.unsafe`drop database if exists ${sql.identifier([name])} with (force)`),
      );
    },
  };
}

/** A template cannot be copied while anybody is connected to it, and a connection that closed may linger a moment. */
async function cloneWhenQuiet(admin: Database, from: string, to: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const busy = await admin.oneFirst(
      sql.type(z.object({ n: z.int() }))`select count(*)::int as n from pg_stat_activity where datname = ${from}`,
    );
    if (busy === 0) break;
    await delay(20);
  }
  await admin.query(sql.unsafe`create database ${sql.identifier([to])} template ${sql.identifier([from])}`);
}
