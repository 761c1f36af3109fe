/** A database as an earlier release left it, for tests of what a migration makes of its rows. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '@lead-flood/postgres';
import type { TestDatabase } from './database.ts';
import { createTestDatabase } from './database.ts';

export type EarlierDatabase = TestDatabase & {
  /** Runs the migrations that were left out. */
  readonly upgrade: () => Promise<void>;
};

/** With the migrations of the folder that come before `before`, e.g. `000004`. */
export async function createEarlierDatabase(options: {
  schema: string;
  migrations: string;
  before: string;
}): Promise<EarlierDatabase> {
  const { schema, migrations, before } = options;
  const early = mkdtempSync(join(tmpdir(), 'migrations-'));
  try {
    for (const file of readdirSync(migrations)) if (file < before) cpSync(join(migrations, file), join(early, file));
    const test = await createTestDatabase({ schema, migrations: early });
    return { ...test, upgrade: () => migrate({ url: test.url, schema, folder: migrations }) };
  } finally {
    rmSync(early, { recursive: true });
  }
}
