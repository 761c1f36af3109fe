/** Tokens that somebody makes for somebody: who may, and how they end. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sql } from '@lead-flood/postgres';
import { readConfig } from '@lead-flood/service';
import { eventually } from '@lead-flood/testing';
import { config } from '../src/config.ts';
import type { Gateway, Told } from './harness.ts';
import { secrets, startGateway } from './harness.ts';

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.stop());

const login = (): Promise<Told> => {
  const admin = gateway.seeded.users.find((one) => one.role === 'admin');
  return gateway.ask('/v1/auth/login', { json: { email: admin?.email, password: admin?.password } });
};

describe('minted tokens', () => {
  it.each(['/v1/auth/token', '/api/v1/auth/token'])('[X-AU-03] %s answers S3’s body', async (path) => {
    const told = await gateway.ask(path, { json: { userId: 'user-1', role: 'ops' } });
    expect([told.status, told.json()['tokenType']]).toEqual([200, 'Bearer']);
    const me = await gateway.ask('/api/v1/auth/me', { token: String(told.json()['accessToken']) });
    expect(me.json()).toMatchObject({ userId: 'user-1', role: 'ops' });
  });

  it('[X-AU-03] refuses an empty user and an unknown role', async () => {
    expect((await gateway.ask('/v1/auth/token', { json: { userId: '', role: 'admin' } })).status).toBe(400);
    expect((await gateway.ask('/v1/auth/token', { json: { userId: 'x', role: 'root' } })).status).toBe(400);
  });

  it('[X-AU-03] with a credential, only an administrator’s serves', async () => {
    const ops = await gateway.ask('/v1/auth/token', {
      token: await gateway.mint('ops'),
      json: { userId: 'x', role: 'admin' },
    });
    expect([ops.status, ops.detail()]).toEqual([403, 'IGW_ERR_MINT_NOT_ALLOWED']);
    expect(
      (
        await gateway.ask('/v1/auth/token', {
          token: String((await login()).json()['accessToken']),
          json: { userId: 'x', role: 'caller' },
        })
      ).status,
    ).toBe(200);
  });

  const mintBy = (token: string, role = 'admin'): Promise<Told> =>
    gateway.ask('/v1/auth/token', { token, json: { userId: 'somebody', role } });

  it('[X-AU-03] does not mint others, so that no token outlives the credential behind it', async () => {
    const minted = String((await mintBy(String((await login()).json()['accessToken']))).json()['accessToken']);
    for (const token of [minted, await gateway.mint('admin')]) {
      const told = await mintBy(token);
      expect([told.status, told.detail()]).toEqual([403, 'IGW_ERR_MINT_NOT_ALLOWED']);
    }
  });

  it('[X-AU-06] ends with the session that minted it, and does not end that session', async () => {
    const token = String((await login()).json()['accessToken']);
    const minted = String((await mintBy(token)).json()['accessToken']);
    const ping = async (as: string): Promise<number> => (await gateway.ask('/v1/admin/ping', { token: as })).status;
    expect(await ping(minted)).toBe(200);
    const sessions = z.object({ live: z.int() });
    const live = () =>
      gateway.database.oneFirst(sql.type(sessions)`select count(*) as live from sessions where revoked_at is null`);
    const before = await live();
    expect((await gateway.ask('/v1/auth/logout', { token: minted, method: 'POST' })).status).toBe(200);
    expect(await live()).toBe(before);

    expect((await gateway.ask('/v1/auth/logout', { token, method: 'POST' })).status).toBe(200);
    await eventually('the minted token to end', async () => (await ping(minted)) === 401);
  });

  it('[X-AU-03] minting for anybody is refused in production', () => {
    const settings = { JWT_ACCESS_SECRET: secrets.jwt, AUTH_DEV_TOKEN_MINT: 'true', APP_ENV: 'production' };
    expect(() => readConfig(config, settings)).toThrow(/AUTH_DEV_TOKEN_MINT/);
  });

  it('[X-AU-05] a secret of fewer than 32 characters is refused', () => {
    expect(() => readConfig(config, { JWT_SECRET: 'short' })).toThrow(/JWT_ACCESS_SECRET/);
  });
});
