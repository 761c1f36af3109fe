/** Who is calling: only what the gateway has signed, for as long as it says. */
import { createHmac } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '@lead-flood/contracts';
import { platformOrg } from '@lead-flood/kernel';
import { createPrincipalSigner, createPrincipalVerifier } from '@lead-flood/service';

const secret = 'a-secret-of-more-than-thirty-two-characters';
const principal = { userId: 'user-1', orgId: 'org-1', role: 'ops', scopes: ['leads:read'] };
const key = new TextEncoder().encode(secret);
afterEach(() => {
  vi.useRealTimers();
});

const refused = async (token: string | undefined): Promise<void> => {
  const error: unknown = await createPrincipalVerifier(secret)(token).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ code: 'unauthorized' });
};

const made = (claims: object, header: Record<string, string> = {}, signedWith = key): Promise<string> =>
  new SignJWT({ org: 'org-1', role: 'ops', scopes: [], ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'principal+jwt', ...header })
    .setSubject('user-1')
    .setIssuer('lead-flood-gateway')
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(signedWith);

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = {
  sub: 'user-1',
  org: 'org-1',
  role: 'admin',
  scopes: [],
  iss: 'lead-flood-gateway',
  exp: Math.floor(Date.now() / 1_000) + 60,
};

describe('a principal', () => {
  it('comes back as it was signed', async () => {
    expect(await createPrincipalVerifier(secret)(await createPrincipalSigner(secret)(principal))).toEqual(principal);
  });

  it('is never of the platform’s own organisation, which belongs to no caller', async () => {
    await refused(await made({ org: platformOrg }));
  });

  it('is signed once for many requests, and again before its life is over', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const sign = createPrincipalSigner(secret);
    const first = await sign(principal);
    expect(await sign({ ...principal })).toBe(first);
    vi.setSystemTime(Date.now() + 31_000);
    const second = await sign(principal);
    expect(second).not.toBe(first);
    expect(await createPrincipalVerifier(secret)(second)).toEqual(principal);
  });

  it('of one caller is never another’s', async () => {
    const sign = createPrincipalSigner(secret);
    const verify = createPrincipalVerifier(secret);
    expect(await verify(await sign({ ...principal, orgId: 'org-2' }))).toMatchObject({ orgId: 'org-2' });
    expect(await verify(await sign(principal))).toMatchObject({ orgId: 'org-1' });
  });

  it('is refused once it has expired, although it was verified before', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const token = await createPrincipalSigner(secret)(principal);
    const verify = createPrincipalVerifier(secret);
    await verify(token);
    vi.setSystemTime(Date.now() + 61_000);
    await expect(verify(token)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it.each<[string, () => Promise<string | undefined> | string | undefined]>([
    ['that is missing', () => undefined],
    ['that is empty', () => ''],
    ['that is no token', () => 'abc'],
    ['of ten thousand characters', () => 'a.'.repeat(5_000)],
    [
      'signed with another secret',
      () => made({}, {}, new TextEncoder().encode('another-secret-of-thirty-two-characters')),
    ],
    ['with alg none', () => `${base64({ alg: 'none', typ: 'principal+jwt' })}.${base64(claims)}.`],
    ['with alg None and a signature', () => `${base64({ alg: 'None', typ: 'principal+jwt' })}.${base64(claims)}.abc`],
    [
      'with another algorithm',
      () => {
        const body = `${base64({ alg: 'HS512', typ: 'principal+jwt' })}.${base64(claims)}`;
        return `${body}.${createHmac('sha512', secret).update(body).digest('base64url')}`;
      },
    ],
    ['of another type (an access token)', () => made({}, { typ: 'JWT' })],
    [
      'of another issuer',
      () =>
        new SignJWT({ org: 'o', role: 'r', scopes: [] })
          .setProtectedHeader({ alg: 'HS256', typ: 'principal+jwt' })
          .setSubject('s')
          .setIssuer('evil')
          .setExpirationTime('60s')
          .sign(key),
    ],
    ['without an organisation', () => made({ org: undefined })],
    [
      'that never expires',
      () =>
        new SignJWT({ org: 'o', role: 'r', scopes: [] })
          .setProtectedHeader({ alg: 'HS256', typ: 'principal+jwt' })
          .setSubject('s')
          .setIssuer('lead-flood-gateway')
          .sign(key),
    ],
    [
      'whose claims were changed',
      async () => {
        const [header, , signature] = (await made({})).split('.');
        return `${header}.${base64(claims)}.${signature}`;
      },
    ],
  ])('%s is refused with 401', async (_what, token) => {
    await refused(await token());
  });
});
