/** What the gateway does beside requests: writes down which API keys were used, and forgets what its time has passed. */
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import { saveLastUsed } from './auth/user-store.ts';

export type Housekeeping = { readonly used: (apiKeyId: string) => void; readonly stop: () => Promise<void> };

const FLUSH_MS = 15_000;
const CLEAN_EVERY_FLUSHES = 40;

export function startHousekeeping(database: Database, onError: (error: unknown) => void): Housekeeping {
  const usedKeys = new Set<string>();
  let flushes = 0;
  let running: Promise<void> = Promise.resolve();

  const flush = async (): Promise<void> => {
    const ids = [...usedKeys];
    usedKeys.clear();
    await saveLastUsed(database, ids);
  };
  const timer = setInterval(() => {
    flushes += 1;
    const isCleaning = flushes % CLEAN_EVERY_FLUSHES === 0;
    running = flush()
      .then(() => (isCleaning ? clean(database) : undefined))
      .catch(onError);
  }, FLUSH_MS);
  timer.unref();

  return {
    used: (id) => usedKeys.add(id),
    stop: async () => {
      clearInterval(timer);
      await running;
      await flush().catch(onError);
    },
  };
}

/** Retention, table by table. Event ids outlive the window of signatures by far: they are what stops a replay. */
export async function clean(database: Database): Promise<void> {
  await database.query(sql.unsafe`delete from idempotency_keys where claimed_at < now() - interval '24 hours'`);
  await database.query(
    sql.unsafe`delete from login_failures where updated_at < now() - interval '1 day' and (locked_until is null or locked_until < now())`,
  );
  await database.query(sql.unsafe`delete from sessions where expires_at < now() - interval '30 days'`);
  await database.query(
    sql.unsafe`update processed_webhook_events set raw = null where raw is not null and received_at < now() - interval '7 days'`,
  );
  await database.query(sql.unsafe`delete from processed_webhook_events where received_at < now() - interval '30 days'`);
  // Whoever read it has crashed; what was committed of it stays.
  await database.query(sql.unsafe`
    update uploads set state = 'failed', error = 'interrupted: send it again', updated_at = now()
    where state = 'receiving' and updated_at < now() - interval '1 hour'
  `);
  await database.query(sql.unsafe`delete from uploads where created_at < now() - interval '30 days'`);
}
