/** The demo organisation with a user of every role and an API key. Again and again gives the same; never called in production. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Role } from '@lead-flood/contracts';
import { roles, scopes } from '@lead-flood/contracts';
import { derivedId } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { sql, texts } from '@lead-flood/postgres';
import { hashSecret, splitApiKey } from './auth/api-key.ts';
import { hashPassword, isPassword } from './auth/password.ts';
import { defaultOrgId } from './config.ts';

export type Seeded = {
  readonly orgId: string;
  readonly users: readonly {
    readonly role: Role;
    readonly id: string;
    readonly email: string;
    readonly password: string;
  }[];
  readonly apiKey: string;
};

const DEMO_PASSWORD = 'Lead-Flood-2026';
const PREFIX = 'demo00000000';

/** The key follows from the password, so that it can be shown again. */
const demoApiKey = (password: string): string =>
  `lf_${PREFIX}_${createHash('sha256').update(`demo api key ${password}`).digest('base64url')}`;

export async function seed(
  database: Database,
  { password = DEMO_PASSWORD }: { readonly password?: string } = {},
): Promise<Seeded> {
  await database.query(sql.unsafe`
    insert into organizations (id, name, plan) values (${defaultOrgId}, 'Demo', 'enterprise') on conflict (id) do nothing
  `);
  const users = [];
  for (const role of roles) users.push(await seedUser(database, role, password));
  const admin = users.find(({ role }) => role === 'admin');
  const apiKey = demoApiKey(password);
  const secretHash = hashSecret(splitApiKey(apiKey)?.secret ?? '');
  await database.query(sql.unsafe`
    insert into api_keys (id, org_id, user_id, name, prefix, secret_hash, scopes)
    values (${derivedId('demo', 'api-key')}, ${defaultOrgId}, ${admin?.id ?? ''}, 'Demo', ${PREFIX}, ${secretHash}, ${texts(scopes)}::text[])
    on conflict (prefix) do update set secret_hash = excluded.secret_hash
  `);
  return { orgId: defaultOrgId, users, apiKey };
}

async function seedUser(database: Database, role: Role, password: string): Promise<Seeded['users'][number]> {
  const email = `${role}@demo.lead-flood.example`;
  const id = derivedId('demo', 'user', role);
  const stored = await database.maybeOneFirst(
    sql.type(z.object({ password_hash: z.string() }))`select password_hash from users where id = ${id}`,
  );
  if (stored === null || !(await isPassword(password, stored))) {
    await database.query(sql.unsafe`
      insert into users (id, org_id, email, role, password_hash) values (${id}, ${defaultOrgId}, ${email}, ${role}, ${await hashPassword(password)})
      on conflict (id) do update set password_hash = excluded.password_hash
    `);
  }
  return { role, id, email, password };
}
