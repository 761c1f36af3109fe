/** What leads leave on disk: Postgres with its indexes, outbox and journal; the broker's log. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createDatabase, sql } from '@lead-flood/postgres';

export type DiskUse = { readonly postgresBytes: number; readonly kafkaBytes: number };

const size = z.object({ n: z.number() });

export async function diskUse(postgres: string, kafkaDirectory: string): Promise<DiskUse> {
  const database = await createDatabase({
    url: postgres,
    schema: 'public',
    applicationName: 'load-tests',
    connectionsMax: 1,
  });
  try {
    const postgresBytes = await database.oneFirst(
      sql.type(size)`select pg_database_size(current_database())::float8 as n`,
    );
    return { postgresBytes, kafkaBytes: bytesOf(kafkaDirectory) };
  } finally {
    await database.end();
  }
}

/** Segments of the log only: index files are made at their full length and stay mostly empty. */
function bytesOf(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.log'))
    .reduce((sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}
