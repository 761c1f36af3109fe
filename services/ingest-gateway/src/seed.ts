/** The demo organisation with a user of every role and an API key. Again and again gives the same; never called in production. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Role } from '@lead-flood/contracts';
import { roles, scopes } from '@lead-flood/contracts';
import { derivedId, randomId } from '@lead-flood/kernel';
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
  await seedApiKey(database, { orgId: defaultOrgId, userId: admin?.id ?? '', apiKey });
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

/** One more organisation, with an administrator who cannot sign in and a key: for tests of one beside another. */
export async function seedOrganization(database: Database, name: string): Promise<Pick<Seeded, 'orgId' | 'apiKey'>> {
  const [orgId, userId] = [derivedId('demo', 'organization', name), derivedId('demo', 'user', name)];
  await database.query(sql.unsafe`
    insert into organizations (id, name, plan) values (${orgId}, ${name}, 'enterprise') on conflict (id) do nothing
  `);
  await database.query(sql.unsafe`
    insert into users (id, org_id, email, role, password_hash)
    values (${userId}, ${orgId}, ${`admin@${name.toLowerCase()}.lead-flood.example`}, 'admin', '')
    on conflict (id) do nothing
  `);
  const prefix = createHash('sha256').update(name).digest('hex').slice(0, PREFIX.length);
  const apiKey = `lf_${prefix}_${createHash('sha256').update(randomId()).digest('base64url')}`;
  await seedApiKey(database, { orgId, userId, apiKey });
  return { orgId, apiKey };
}

async function seedApiKey(
  database: Database,
  { orgId, userId, apiKey }: { readonly orgId: string; readonly userId: string; readonly apiKey: string },
): Promise<void> {
  const { prefix = '', secret = '' } = splitApiKey(apiKey) ?? {};
  await database.query(sql.unsafe`
    insert into api_keys (id, org_id, user_id, name, prefix, secret_hash, scopes)
    values (${derivedId(orgId, 'api-key')}, ${orgId}, ${userId}, 'Demo', ${prefix}, ${hashSecret(secret)}, ${texts(scopes)}::text[])
    on conflict (prefix) do update set secret_hash = excluded.secret_hash
  `);
}
