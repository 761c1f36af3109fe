/** Brings a schema up to date: first the machinery that all services share, then the service's own files. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runner } from 'node-pg-migrate';
import { maintainOutbox } from './outbox-partitions.ts';
import { createDatabase } from './database.ts';

export type MigrateOptions = {
  readonly url: string;
  readonly schema: string;
  /** Folder with NNNNNN_verb_noun.sql; forward only. */
  readonly folder: string;
  readonly log?: (line: string) => void;
};

const machinery = join(import.meta.dirname, '../migrations');
const CONNECT_MS = 5_000;
const WAIT_MS = 200;
const WAIT_TRIES = 150;

export async function migrate(options: MigrateOptions): Promise<void> {
  await runFolder(options, machinery, 'machinery_migrations');
  await runFolder(options, options.folder, 'migrations');
  const database = await createDatabase({
    url: options.url,
    schema: options.schema,
    applicationName: 'migrate',
    connectionsMax: 1,
  });
  try {
    await maintainOutbox(database);
  } finally {
    await database.end();
  }
}

/** The lock is per schema; another replica that migrates at the same moment is waited for. */
async function runFolder(options: MigrateOptions, folder: string, table: string): Promise<void> {
  const log = options.log ?? ((): void => undefined);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await runner({
        // Without an end to it a server that takes the connection and says nothing would hold a start for ever.
        databaseUrl: { connectionString: options.url, connectionTimeoutMillis: CONNECT_MS },
        dir: folder,
        schema: options.schema,
        createSchema: true,
        migrationsTable: table,
        direction: 'up',
        checkOrder: true,
        lockValue: lockValue(options.schema),
        log: () => undefined,
        logger: { debug: () => undefined, info: log, warn: log, error: log },
      });
      return;
    } catch (error) {
      const busy = error instanceof Error && /another migration is already running/i.test(error.message);
      if (!busy || attempt === WAIT_TRIES) throw error;
      await delay(WAIT_MS);
    }
  }
}

/** A stable positive number for a schema's name (FNV-1a). */
function lockValue(schema: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`migrate:${schema}`)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
