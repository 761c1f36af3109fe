/** Signing in, sessions, tokens and API keys, against the running gateway. */
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { platformOrg } from '@lead-flood/kernel';
import { sql } from '@lead-flood/postgres';
import { eventually } from '@lead-flood/testing';
import { hashSecret, makeApiKey } from '../src/auth/api-key.ts';
import { startHousekeeping } from '../src/housekeeping.ts';
import type { Gateway, Told } from './harness.ts';
import { secrets, startGateway } from './harness.ts';

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.stop());

const user = (role: string) => {
  const found = gateway.seeded.users.find((one) => one.role === role);
  if (found === undefined) throw new Error(`no ${role}`);
  return found;
};
const login = (role = 'admin'): Promise<Told> =>
  gateway.ask('/v1/auth/login', { json: { email: user(role).email, password: user(role).password } });
const cookiesOf = (told: Told): Record<string, string> =>
  Object.fromEntries(
    told.headers
      .getSetCookie()
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1).split(';')[0] ?? '']),
  );

describe('login', () => {
  it('[X-AU-01] answers the tokens and when the access token ends', async () => {
    const told = await login();
    expect(told.status).toBe(200);
    expect(Object.keys(told.json()).toSorted()).toEqual(['accessToken', 'expiresAt', 'refreshToken']);
    expect(Date.parse(String(told.json()['expiresAt'])) - Date.now()).toBeGreaterThan(800_000);
    expect(told.headers.get('cache-control')).toBe('no-store');
  });

  it('[X-AU-07] sets HttpOnly, Secure, SameSite=Strict cookies', async () => {
    const told = await login();
    for (const name of ['lf_access', 'lf_refresh']) {
      const line = told.headers.getSetCookie().find((one) => one.startsWith(`${name}=`)) ?? '';
      expect(line).toMatch(/HttpOnly/);
      expect(line).toMatch(/Secure/);
      expect(line).toMatch(/SameSite=Strict/);
    }
  });

  it('[X-AU-06] works under /api/auth/login too', async () => {
    const told = await gateway.ask('/api/auth/login', {
      json: { email: user('ops').email.toUpperCase(), password: user('ops').password },
    });
    expect(told.status).toBe(200);
  });

  it('[X-AU-09] tells nothing apart: unknown address and wrong password', async () => {
    const wrong = await gateway.ask('/v1/auth/login', {
      json: { email: user('viewer').email, password: 'Wrong-1234' },
    });
    const unknown = await gateway.ask('/v1/auth/login', {
      json: { email: 'nobody@demo.lead-flood.example', password: 'Wrong-1234' },
    });
    expect([wrong.status, wrong.detail()]).toEqual([401, 'IGW_ERR_WRONG_PASSWORD']);
    expect([unknown.status, unknown.detail()]).toEqual([401, 'IGW_ERR_WRONG_PASSWORD']);
  });

  it.each(['known', 'unknown'])(
    '[X-AU-09] locks a %s address after ten failures, even for the right password',
    async (kind) => {
      const email = kind === 'known' ? user('caller').email : 'stranger@demo.lead-flood.example';
      for (let i = 0; i < 10; i += 1)
        expect((await gateway.ask('/v1/auth/login', { json: { email, password: `Wrong-${i}` } })).status).toBe(401);
      const told = await gateway.ask('/v1/auth/login', { json: { email, password: user('caller').password } });
      expect([told.status, told.detail()]).toEqual([429, 'IGW_ERR_LOCKED']);
      expect(Number(told.headers.get('retry-after'))).toBeGreaterThan(800);
      await gateway.database.query(sql.unsafe`update login_failures set locked_until = now() - interval '1 second'`);
      if (kind === 'known') expect((await login('caller')).status).toBe(200);
    },
  );

  it('refuses unknown fields', async () => {
    const told = await gateway.ask('/v1/auth/login', { json: { email: 'a@b.example', password: 'x', role: 'admin' } });
    expect([told.status, told.code()]).toEqual([400, 'invalid_payload']);
  });
});

describe('sessions', () => {
  it('[X-AU-02] rotates the refresh token', async () => {
    const first = (await login()).json();
    const second = await gateway.ask('/v1/auth/refresh', { json: { refreshToken: first['refreshToken'] } });
    expect(second.status).toBe(200);
    expect(second.json()['refreshToken']).not.toBe(first['refreshToken']);
    expect((await gateway.ask('/v1/auth/me', { token: String(second.json()['accessToken']) })).status).toBe(200);
  });

  it('[X-AU-02] a rotated token used again revokes the whole family', async () => {
    const first = (await login()).json();
    const second = (await gateway.ask('/v1/auth/refresh', { json: { refreshToken: first['refreshToken'] } })).json();
    const again = await gateway.ask('/v1/auth/refresh', { json: { refreshToken: first['refreshToken'] } });
    expect([again.status, again.detail()]).toEqual([401, 'IGW_ERR_REFRESH_REUSED']);
    const heir = await gateway.ask('/v1/auth/refresh', { json: { refreshToken: second['refreshToken'] } });
    expect([heir.status, heir.detail()]).toEqual([401, 'IGW_ERR_REFRESH_INVALID']);
    expect((await gateway.ask('/v1/auth/me', { token: String(second['accessToken']) })).detail()).toBe(
      'IGW_ERR_SESSION_ENDED',
    );
  });

  it('[X-AU-02] of two refreshes at once one wins and the family ends', async () => {
    const { refreshToken } = (await login()).json();
    const both = await Promise.all([1, 2].map(() => gateway.ask('/v1/auth/refresh', { json: { refreshToken } })));
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 401]);
  });

  it('[X-AU-02] refreshes from the cookie, without a body', async () => {
    const cookies = cookiesOf(await login());
    const told = await gateway.ask('/v1/auth/refresh', {
      method: 'POST',
      headers: { cookie: `lf_refresh=${cookies['lf_refresh']}` },
    });
    expect(told.status).toBe(200);
  });

  it('[X-AU-06] logout ends the session within seconds and clears the cookies', async () => {
    const { accessToken, refreshToken } = (await login()).json();
    const told = await gateway.ask('/v1/auth/logout', { method: 'POST', token: String(accessToken) });
    expect([told.status, told.json()]).toEqual([200, { success: true }]);
    expect(told.headers.getSetCookie().filter((line) => line.includes('lf_access=;'))).toHaveLength(1);
    expect((await gateway.ask('/v1/auth/refresh', { json: { refreshToken } })).status).toBe(401);
    await eventually(
      'the access token to stop',
      async () => (await gateway.ask('/v1/auth/me', { token: String(accessToken) })).status === 401,
      8_000,
    );
  });

  it('[X-AU-10] a write by cookie needs the session’s own token', async () => {
    const cookies = cookiesOf(await login());
    const cookie = `lf_access=${cookies['lf_access']}`;
    expect((await gateway.ask('/v1/auth/me', { headers: { cookie } })).status).toBe(200);
    const without = await gateway.ask('/v1/auth/logout', { method: 'POST', headers: { cookie } });
    expect([without.status, without.detail()]).toEqual([403, 'IGW_ERR_CSRF']);
    const other = cookiesOf(await login('ops'));
    expect(
      (
        await gateway.ask('/v1/auth/logout', {
          method: 'POST',
          headers: { cookie, 'x-csrf-token': other['lf_csrf'] ?? '' },
        })
      ).status,
    ).toBe(403);
    expect(
      (
        await gateway.ask('/v1/auth/logout', {
          method: 'POST',
          headers: { cookie, 'x-csrf-token': cookies['lf_csrf'] ?? '' },
        })
      ).status,
    ).toBe(200);
  });
});

describe('tokens that are not ours', () => {
  const key = new TextEncoder().encode(secrets.jwt);
  const facts = { org: '00000000-0000-4000-8000-000000000000', role: 'admin', scopes: [], sid: null, minted: false };
  const token = (
    alter: (jwt: SignJWT) => SignJWT = (jwt) => jwt,
    header: Record<string, unknown> = {},
    secret = key,
  ): Promise<string> =>
    alter(
      new SignJWT(facts)
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header })
        .setSubject('x')
        .setIssuer('expert-sourcing-platform')
        .setAudience('expert-sourcing-api')
        .setIssuedAt()
        .setExpirationTime('5m'),
    ).sign(secret);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = {
    sub: 'x',
    ...facts,
    iss: 'expert-sourcing-platform',
    aud: 'expert-sourcing-api',
    exp: Math.floor(Date.now() / 1_000) + 300,
  };

  it('the same token, well made, is let in', async () => {
    expect((await gateway.ask('/v1/auth/me', { token: await token() })).status).toBe(200);
  });

  const cases: Record<string, () => string | Promise<string>> = {
    'alg none': () => `${part({ alg: 'none', typ: 'JWT' })}.${part(body)}.`,
    'alg None with a signature': () => `${part({ alg: 'None', typ: 'JWT' })}.${part(body)}.AAAA`,
    'alg RS256 with our bytes': () =>
      `${part({ alg: 'RS256', typ: 'JWT' })}.${part(body)}.${Buffer.alloc(256).toString('base64url')}`,
    'HS512 with our key': () => token(undefined, { alg: 'HS512' }, new TextEncoder().encode(secrets.jwt.repeat(2))),
    'HS256 with another key': () =>
      token(undefined, {}, new TextEncoder().encode('another-secret-of-more-than-32-characters')),
    'a principal of ours': () => token(undefined, { typ: 'principal+jwt' }),
    'another audience': () => token((jwt) => jwt.setAudience('other')),
    'another issuer': () => token((jwt) => jwt.setIssuer('other')),
    'the organisation of the platform': () =>
      new SignJWT({ ...facts, org: platformOrg })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject('x')
        .setIssuer('expert-sourcing-platform')
        .setAudience('expert-sourcing-api')
        .setExpirationTime('5m')
        .sign(key),
    expired: () => token((jwt) => jwt.setExpirationTime(Math.floor(Date.now() / 1_000) - 60)),
    'not valid yet': () => token((jwt) => jwt.setNotBefore(Math.floor(Date.now() / 1_000) + 600)),
    'ten thousand characters': () => `${'a'.repeat(5_000)}.${'b'.repeat(5_000)}.c`,
    'a key of its own': () =>
      token(
        undefined,
        { jwk: { kty: 'oct', k: 'AAAA' }, kid: '../../etc/passwd' },
        new TextEncoder().encode('x'.repeat(32)),
      ),
    'no token at all': () => 'x',
    'empty parts': () => '..',
    'an unknown role': () =>
      new SignJWT({ ...facts, role: 'root' })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject('x')
        .setIssuer('expert-sourcing-platform')
        .setAudience('expert-sourcing-api')
        .setExpirationTime('5m')
        .sign(key),
    'no expiry': () =>
      new SignJWT(facts)
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject('x')
        .setIssuer('expert-sourcing-platform')
        .setAudience('expert-sourcing-api')
        .sign(key),
  };
  it.each(Object.keys(cases))('[X-AU-11] %s is 401, never 500', async (name) => {
    const told = await gateway.ask('/v1/auth/me', { token: (await cases[name]?.()) ?? '' });
    expect([told.status, told.code()]).toEqual([401, 'unauthorized']);
  });

  it.each(['Basic YTpi', 'Bearer', 'Bearer  ', 'Bearer a b'])(
    '[X-AU-11] the header %j is 401',
    async (authorization) => {
      expect((await gateway.ask('/v1/auth/me', { headers: { authorization } })).status).toBe(401);
    },
  );

  it('[X-AU-11] no credential is 401, too small a role 403', async () => {
    expect((await gateway.ask('/v1/admin/ping')).detail()).toBe('IGW_ERR_NO_CREDENTIAL');
    const told = await gateway.ask('/v1/admin/ping', { token: await gateway.mint('ops') });
    expect([told.status, told.code()]).toEqual([403, 'forbidden']);
  });

  it.each(['/v1/admin/ping', '/api/v1/admin/ping'])('[GW-17] %s answers an administrator', async (path) => {
    expect((await gateway.ask(path, { token: await gateway.mint('admin') })).json()).toEqual({ status: 'admin-ok' });
  });
});

describe('API keys', () => {
  const insert = async (options: { scopes?: string; expires?: string; revoked?: boolean } = {}): Promise<string> => {
    const { key, prefix, secretHash } = makeApiKey();
    await gateway.database.query(sql.unsafe`
      insert into api_keys (id, org_id, user_id, name, prefix, secret_hash, scopes, expires_at, revoked_at)
      values (gen_random_uuid(), ${gateway.seeded.orgId}, ${user('member').id}, 'test', ${prefix}, ${secretHash}, ${options.scopes ?? '{read}'}::text[],
        ${options.expires ?? null}::timestamptz, ${options.revoked === true ? new Date().toISOString() : null}::timestamptz)
    `);
    return key;
  };

  it('[X-AK-02] the seeded key lets in, as Bearer', async () => {
    const told = await gateway.ask('/v1/auth/me', { token: gateway.seeded.apiKey });
    expect(told.json()).toMatchObject({
      role: 'admin',
      orgId: gateway.seeded.orgId,
      scopes: ['read', 'write', 'delete'],
    });
  });

  it('[X-AK-02] only a digest is stored', async () => {
    const key = await insert();
    const found = await gateway.database.exists(
      sql.unsafe`select 1 from api_keys k where to_jsonb(k)::text like ${`%${key.slice(16)}%`}`,
    );
    expect(found).toBe(false);
  });

  it('[X-AK-02] scopes hold beside the role', async () => {
    const reader = await insert();
    expect((await gateway.ask('/v1/icps', { token: reader })).status).toBe(200);
    const write = await gateway.ask('/v1/icps', { token: reader, json: { name: 'x' } });
    expect([write.status, write.detail()]).toEqual([403, 'IGW_ERR_SCOPE']);
    const all = await insert({ scopes: '{read,write,delete}' });
    expect((await gateway.ask('/v1/admin/ping', { token: all })).detail()).toBe('IGW_ERR_ROLE');
  });

  it('[X-AK-02] an expired, revoked, altered or unknown key is 401', async () => {
    const expired = await insert({ expires: '2020-01-01T00:00:00Z' });
    const revoked = await insert({ revoked: true });
    const good = await insert();
    const altered = good.slice(0, -1) + (good.endsWith('A') ? 'B' : 'A');
    for (const token of [expired, revoked, altered, makeApiKey().key, 'lf_', 'lf_x_y', 'lf_' + 'a'.repeat(3_000)]) {
      expect([(await gateway.ask('/v1/auth/me', { token })).status, token.length > 0]).toEqual([401, true]);
    }
  });

  it('[X-AK-02] when a key was last used is written down, later and in one statement', async () => {
    const key = await insert();
    const usedAt = () =>
      gateway.database.oneFirst(
        sql.type(
          z.object({ at: z.number().nullable() }),
        )`select last_used_at as at from api_keys where secret_hash = ${hashSecret(key.slice(16))}`,
      );
    const id = await gateway.database.oneFirst(
      sql.type(z.object({ id: z.string() }))`select id from api_keys where secret_hash = ${hashSecret(key.slice(16))}`,
    );
    const housekeeping = startHousekeeping(gateway.database, (error) => {
      throw error;
    });
    housekeeping.used(id);
    expect(await usedAt()).toBeNull();
    await housekeeping.stop();
    expect(await usedAt()).toBeGreaterThan(Date.now() - 60_000);
  });

  it('[X-AK-02] a revoked key stops within seconds', async () => {
    const key = await insert();
    expect((await gateway.ask('/v1/auth/me', { token: key })).status).toBe(200);
    await gateway.database.query(
      sql.unsafe`update api_keys set revoked_at = now() where secret_hash = ${hashSecret(key.slice(16))}`,
    );
    await eventually(
      'the key to stop',
      async () => (await gateway.ask('/v1/auth/me', { token: key })).status === 401,
      8_000,
    );
  });
});
