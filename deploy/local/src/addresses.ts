// The four addresses of a stack, under the names every service reads them by.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { LocalError } from './errors.ts';
import type { ServerName } from './server.ts';

export type Addresses = Readonly<Record<ServerName, string>>;

export const environmentNames: Readonly<Record<ServerName, string>> = {
  kafka: 'KAFKA_BROKERS',
  registry: 'SCHEMA_REGISTRY_URL',
  postgres: 'DATABASE_URL',
  redis: 'REDIS_URL',
};

export const serverNames: readonly ServerName[] = ['kafka', 'registry', 'postgres', 'redis'];

/**
 * The addresses when all four are in the environment, undefined when none is. Some but not all is a mistake that would
 * otherwise mix two stacks: LOCAL_ERR_PARTIAL_ADDRESSES.
 */
export function addressesFromEnvironment(env: NodeJS.ProcessEnv = process.env): Addresses | undefined {
  const missing = serverNames.filter((name) => !env[environmentNames[name]]);
  if (missing.length === serverNames.length) return undefined;
  if (missing.length > 0) {
    const names = missing.map((name) => environmentNames[name]).join(', ');
    throw new LocalError('LOCAL_ERR_PARTIAL_ADDRESSES', `set all four server addresses or none; missing: ${names}`);
  }
  return toAddresses((name) => env[environmentNames[name]] ?? '');
}

export function toAddresses(addressOf: (name: ServerName) => string): Addresses {
  return {
    kafka: addressOf('kafka'),
    registry: addressOf('registry'),
    postgres: addressOf('postgres'),
    redis: addressOf('redis'),
  };
}

/** As environment variables, for the processes that are to use the stack. */
export function toEnvironment(addresses: Addresses): Record<string, string> {
  return Object.fromEntries(serverNames.map((name) => [environmentNames[name], addresses[name]]));
}

/** Replaces the file as a whole: a reader sees the old addresses or the new ones. */
export function writeAddresses(path: string, addresses: Addresses): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(addresses, undefined, 2)}\n`);
  renameSync(draft, path);
}

/** What writeAddresses wrote; LOCAL_ERR_NOT_RUNNING when the file is absent. */
export function readAddresses(path: string): Addresses {
  if (!existsSync(path)) throw new LocalError('LOCAL_ERR_NOT_RUNNING', `there is no ${path}: start a stack first`);
  const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (typeof content !== 'object' || content === null) throw new Error(`${path} holds no addresses`);
  const values = new Map<string, unknown>(Object.entries(content));
  return toAddresses((name) => {
    const value = values.get(name);
    if (typeof value !== 'string') throw new Error(`${path} has no address of ${name}`);
    return value;
  });
}
