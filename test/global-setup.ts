/** Starts the servers that the suites need, once, and registers the schemas; the addresses go into the environment. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registerSchemas } from '@lead-flood/kafka';
import { startStack } from '@lead-flood/local';

export async function setup(): Promise<() => Promise<void>> {
  const directory = mkdtempSync(join(tmpdir(), 'lead-flood-test-'));
  const stack = await startStack({ directory, log: console.log });
  const { kafka, registry, postgres, redis } = stack.addresses;
  process.env['KAFKA_BROKERS'] = kafka;
  process.env['SCHEMA_REGISTRY_URL'] = registry;
  process.env['DATABASE_URL'] = postgres;
  process.env['REDIS_URL'] = redis;
  await registerSchemas(registry);
  return async () => {
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  };
}
