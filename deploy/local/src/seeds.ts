// What a fresh product needs to be tried: the demo organisation with users and an API key, and its sequence.
import { seed as seedAccounts } from '@lead-flood/ingest-gateway/seed';
import type { Seeded } from '@lead-flood/ingest-gateway/seed';
import { seedSequence } from '@lead-flood/outreach/seed';
import type { Database } from '@lead-flood/postgres';
import { createDatabase } from '@lead-flood/postgres';

export type Seeds = Seeded;

/** Again and again gives the same. The services have migrated their schemas by now. */
export async function seedDemo(url: string): Promise<Seeds> {
  const seeds = await withSchema(url, 'ingest_gateway', (database) => seedAccounts(database));
  await withSchema(url, 'outreach', (database) => seedSequence(database, seeds.orgId));
  return seeds;
}

async function withSchema<T>(url: string, schema: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await createDatabase({ url, schema, applicationName: 'seed', connectionsMax: 1 });
  try {
    return await work(database);
  } finally {
    await database.end();
  }
}
