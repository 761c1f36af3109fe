/** Access tokens: short-lived, signed, one claim set for all doors (decision C-01). */
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { permissionsOf, roles } from '@lead-flood/contracts';
import type { Role } from '@lead-flood/contracts';
import { CodedError, platformOrg } from '@lead-flood/kernel';

export type TokenConfig = {
  readonly JWT_ACCESS_SECRET: string;
  readonly JWT_ISSUER: string;
  readonly JWT_AUDIENCE: string;
};

export type TokenFacts = {
  readonly userId: string;
  readonly orgId: string;
  readonly role: Role;
  /** The session that it ends with; null where development minting made it out of nothing. */
  readonly sessionId: string | null;
  /** Made by somebody for somebody, not by signing in: it mints no others. */
  readonly isMinted: boolean;
};

export type AccessToken = TokenFacts & { readonly expiresAt: number };

export type AccessTokens = {
  readonly sign: (
    facts: TokenFacts,
    ttlSeconds: number,
  ) => Promise<{ readonly token: string; readonly expiresAt: number }>;
  /** Throws IGW_ERR_BAD_TOKEN whatever is wrong with it: a stranger learns nothing from the difference. */
  readonly verify: (token: string) => Promise<AccessToken>;
};

/** Ours are about 400; longer ones are refused before anything is computed from them. */
const LENGTH_MAX = 2_048;

const claims = z.object({
  sub: z.string().min(1).max(200),
  org: z.uuid().refine((org) => org !== platformOrg),
  role: z.enum(roles),
  scopes: z.array(z.string()),
  sid: z.uuid().nullable(),
  minted: z.boolean(),
  exp: z.number(),
});

export function createAccessTokens(config: TokenConfig): AccessTokens {
  const key = new TextEncoder().encode(config.JWT_ACCESS_SECRET);
  return {
    async sign({ userId, orgId, role, sessionId, isMinted }, ttlSeconds) {
      const expiresAt = Math.floor(Date.now() / 1_000) + ttlSeconds;
      const scopes = [...permissionsOf[role]];
      const token = await new SignJWT({ org: orgId, role, scopes, sid: sessionId, minted: isMinted })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(userId)
        .setIssuer(config.JWT_ISSUER)
        .setAudience(config.JWT_AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(expiresAt)
        .sign(key);
      return { token, expiresAt: expiresAt * 1_000 };
    },
    async verify(token) {
      if (token.length > LENGTH_MAX) throw badToken();
      try {
        const { payload } = await jwtVerify(token, key, {
          // One algorithm and one key, both ours: what the header asks for (none, another key, a key of its own) is not looked at.
          algorithms: ['HS256'],
          typ: 'JWT',
          issuer: config.JWT_ISSUER,
          audience: config.JWT_AUDIENCE,
          requiredClaims: ['exp', 'sub'],
        });
        const { sub, org, role, sid, minted, exp } = claims.parse(payload);
        return { userId: sub, orgId: org, role, sessionId: sid, isMinted: minted, expiresAt: exp * 1_000 };
      } catch (error) {
        throw badToken(error);
      }
    },
  };
}

const badToken = (cause?: unknown): CodedError =>
  new CodedError(
    'IGW_ERR_BAD_TOKEN',
    'the access token is not valid or has expired',
    cause === undefined ? {} : { cause },
  );
