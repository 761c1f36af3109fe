/**
 * The deployment step for containers: topics, schemas, migrations, the demo organisation. It may run again and again,
 * and waits for servers that are still starting.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { topics } from '@lead-flood/contracts';
import { createKafkaClient, createTopics, registerSchemas } from '@lead-flood/kafka';
import { TransientError } from '@lead-flood/kernel';
import { migrate } from '@lead-flood/postgres';
import { seedDemo } from '../local/src/seeds.ts';

const WAIT_MS = 120_000;
const PAUSE_MS = 1_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function required(name: string): string {
  const value = process.env[name];
  if (value !== undefined && value !== '') return value;
  process.stderr.write(`${name} is missing\n`);
  process.exit(2);
}

async function patiently<T>(what: string, work: () => Promise<T>): Promise<T> {
  const until = Date.now() + WAIT_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TransientError) || Date.now() > until) throw error;
      say(`waiting for ${what}`);
      await delay(PAUSE_MS);
    }
  }
}

const kafka = createKafkaClient({
  brokers: required('KAFKA_BROKERS').split(','),
  clientId: 'prepare',
  log: () => undefined,
});
const url = required('DATABASE_URL');
const registry = required('SCHEMA_REGISTRY_URL');

say(`topics created: ${(await createTopics(kafka, Object.values(topics))).length}`);
say(`schemas registered: ${(await patiently('the registry', () => registerSchemas(registry))).size}`);
for (const [service, schema] of [
  ['ingest-gateway', 'ingest_gateway'],
  ['outreach', 'outreach'],
] as const) {
  await migrate({ url, schema, folder: join(import.meta.dirname, '../../services', service, 'migrations') });
}
const { users, apiKey } = await seedDemo(url);
say(`demo users: ${users.map(({ email, password }) => `${email} / ${password}`).join(', ')}`);
say(`API key: ${apiKey}`);
process.exit(0);
