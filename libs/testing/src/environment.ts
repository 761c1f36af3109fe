/** Addresses of the servers that `npm test` has started; a test never starts its own. */
import { CodedError } from '@lead-flood/kernel';

const names = ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL'] as const;
export type Environment = Readonly<Record<(typeof names)[number], string>>;

export function testEnvironment(): Environment {
  const missing = names.filter((name) => !process.env[name]);
  if (missing.length > 0)
    throw new CodedError('TST_ERR_NO_STACK', `run the suite with \`npm test\`: ${missing.join(', ')} missing`);
  return Object.fromEntries(names.map((name) => [name, process.env[name] ?? ''])) as Environment;
}
