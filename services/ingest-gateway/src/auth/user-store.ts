/** Users, their failed logins, and API keys as rows. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { roles } from '@lead-flood/contracts';
import type { Role } from '@lead-flood/contracts';
import type { Database } from '@lead-flood/postgres';
import { sql, texts } from '@lead-flood/postgres';
import type { ApiKeyRow } from './api-key.ts';

export type User = { readonly id: string; readonly orgId: string; readonly role: Role; readonly passwordHash: string };

export const normalEmail = (email: string): string => email.trim().toLowerCase();
/** Addresses of strangers' guesses are nobody's data to keep. */
export const emailHash = (email: string): string => createHash('sha256').update(normalEmail(email)).digest('hex');

const userRow = z.object({ id: z.string(), org_id: z.string(), role: z.enum(roles), password_hash: z.string() });

export async function findUser(database: Database, email: string): Promise<User | null> {
  const row = await database.maybeOne(sql.type(userRow)`
    select id, org_id, role, password_hash from users where email = ${normalEmail(email)} and disabled_at is null
  `);
  return row === null ? null : { id: row.id, orgId: row.org_id, role: row.role, passwordHash: row.password_hash };
}

/** Milliseconds since 1970 until which the address is locked, or null. */
export async function lockedUntil(database: Database, email: string): Promise<number | null> {
  return database.maybeOneFirst(sql.type(z.object({ until: z.number() }))`
    select locked_until as until from login_failures where email_hash = ${emailHash(email)} and locked_until > now()
  `);
}

/** Counts a failure; the one that reaches `lockAt` locks the address and starts the count again. */
export async function countFailure(
  database: Database,
  email: string,
  lockAt: number,
  lockSeconds: number,
): Promise<void> {
  await database.query(sql.unsafe`
    insert into login_failures as f (email_hash, failures, locked_until)
    values (${emailHash(email)}, 1, case when ${lockAt} <= 1 then now() + make_interval(secs => ${lockSeconds}) end)
    on conflict (email_hash) do update set
      failures = case when f.failures + 1 >= ${lockAt} then 0 else f.failures + 1 end,
      locked_until = case when f.failures + 1 >= ${lockAt} then now() + make_interval(secs => ${lockSeconds}) else f.locked_until end,
      updated_at = now()
  `);
}

export async function forgetFailures(database: Database, email: string): Promise<void> {
  await database.query(sql.unsafe`delete from login_failures where email_hash = ${emailHash(email)}`);
}

const keyRow = z.object({
  id: z.string(),
  org_id: z.string(),
  user_id: z.string(),
  role: z.string(),
  plan: z.enum(['free', 'starter', 'pro', 'enterprise']),
  secret_hash: z.string(),
  scopes: z.array(z.string()),
  expires_at: z.number().nullable(),
});

export async function findApiKey(database: Database, prefix: string): Promise<ApiKeyRow | null> {
  const row = await database.maybeOne(sql.type(keyRow)`
    select k.id, k.org_id, k.user_id, u.role, o.plan, k.secret_hash, k.scopes, k.expires_at
    from api_keys k join users u on u.id = k.user_id join organizations o on o.id = k.org_id
    where k.prefix = ${prefix} and k.revoked_at is null and u.disabled_at is null
  `);
  if (row === null) return null;
  return {
    id: row.id,
    orgId: row.org_id,
    userId: row.user_id,
    role: row.role,
    plan: row.plan,
    secretHash: row.secret_hash,
    scopes: row.scopes,
    expiresAt: row.expires_at,
  };
}

export async function saveLastUsed(database: Database, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await database.query(sql.unsafe`update api_keys set last_used_at = now() where id = any(${texts(ids)}::uuid[])`);
}
