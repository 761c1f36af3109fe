/**
 * Who is calling, as the gateway has established it: a short-lived signed token between gateway and services. Services
 * trust nothing else. Both sides remember what they signed or verified, since one HMAC per request would be waste.
 */
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Principal } from '@lead-flood/contracts';
import { ApiError } from '@lead-flood/contracts';
import { platformOrg } from '@lead-flood/kernel';

export const principalHeader = 'x-lead-flood-principal';

const LIFE_SECONDS = 60;
/** A remembered token is replaced while it still has half of its life. */
const REUSE_MS = 30_000;
const REMEMBERED_MAX = 5_000;
const ISSUER = 'lead-flood-gateway';

const claims = z.object({
  sub: z.string(),
  org: z.string().refine((org) => org !== platformOrg),
  role: z.string(),
  scopes: z.array(z.string()),
  exp: z.number(),
});

export type PrincipalSigner = (principal: Principal) => Promise<string>;
export type PrincipalVerifier = (token: string | undefined) => Promise<Principal>;

const keyOf = (secret: string): Uint8Array => new TextEncoder().encode(secret);

export function createPrincipalSigner(secret: string): PrincipalSigner {
  const key = keyOf(secret);
  const signed = new Map<string, { token: string; until: number }>();
  return async (principal) => {
    const id = JSON.stringify(principal);
    const known = signed.get(id);
    if (known !== undefined && known.until > Date.now()) return known.token;
    if (signed.size >= REMEMBERED_MAX) signed.clear();
    const token = await new SignJWT({ org: principal.orgId, role: principal.role, scopes: principal.scopes })
      .setProtectedHeader({ alg: 'HS256', typ: 'principal+jwt' })
      .setSubject(principal.userId)
      .setIssuer(ISSUER)
      .setIssuedAt()
      .setExpirationTime(`${LIFE_SECONDS}s`)
      .sign(key);
    signed.set(id, { token, until: Date.now() + REUSE_MS });
    return token;
  };
}

export function createPrincipalVerifier(secret: string): PrincipalVerifier {
  const key = keyOf(secret);
  const verified = new Map<string, { principal: Principal; until: number }>();
  return async (token) => {
    if (token === undefined) throw new ApiError('unauthorized', 'no principal: call through the gateway');
    const known = verified.get(token);
    if (known !== undefined && known.until > Date.now()) return known.principal;
    try {
      const { payload } = await jwtVerify(token, key, { issuer: ISSUER, algorithms: ['HS256'], typ: 'principal+jwt' });
      const { sub, org, role, scopes, exp } = claims.parse(payload);
      const principal: Principal = { userId: sub, orgId: org, role, scopes };
      if (verified.size >= REMEMBERED_MAX) verified.clear();
      verified.set(token, { principal, until: exp * 1_000 });
      return principal;
    } catch (error) {
      throw new ApiError('unauthorized', 'the principal is not valid', {
        reason: error instanceof Error ? error.name : 'unknown',
      });
    }
  };
}
