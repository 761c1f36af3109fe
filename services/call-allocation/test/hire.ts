/** A caller as the table holds it, for tests that are about whom a task goes to. */
import type { Database } from '@lead-flood/postgres';
import type { Caller } from '../src/caller/domain.ts';
import type { CallerRow } from '../src/caller/store.ts';
import { callers } from '../src/caller/store.ts';

export async function hire(
  database: Database,
  orgId: string,
  id: string,
  more: Partial<CallerRow['caller']> = {},
): Promise<CallerRow> {
  const caller: Extract<Caller, { kind: 'caller' }> = {
    kind: 'caller',
    email: `${id}@demo.lead-flood.example`,
    name: 'Ana',
    timezone: 'Europe/Stockholm',
    languageCodes: ['sv', 'en'],
    regionIsoCodes: ['SE', 'GB'],
    metadata: {},
    userId: null,
    allocationStatus: 'ACTIVE',
    createdAt: 0,
    updatedAt: 0,
    ...more,
  };
  const row = { key: id, orgId, state: caller, revision: 0, published: 0, seen: {}, passed: [caller] };
  await database.transaction((tx) => callers.save(tx, [row]));
  return { id, caller };
}
