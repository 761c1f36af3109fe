/**
 * From a request's credential to its caller: bearer token, API key, or cookie, in this order. A token is verified, and
 * its session looked at, once in a few seconds; so a logout works everywhere within that time.
 */
import { LRUCache } from 'lru-cache';
import { CodedError } from '@lead-flood/kernel';
import type { HttpRequest } from '@lead-flood/service';
import type { AccessTokens } from './access-token.ts';
import type { ApiKeys } from './api-key.ts';
import { isApiKey } from './api-key.ts';
import type { Caller } from './caller.ts';
import { accessCookie, hasCsrfToken } from './cookies.ts';

export type Authenticator = (request: HttpRequest) => Promise<Caller>;

export type AuthenticatorDeps = {
  readonly tokens: Pick<AccessTokens, 'verify'>;
  readonly apiKeys: ApiKeys;
  readonly isSessionLive: (sessionId: string) => Promise<boolean>;
  readonly csrfSecret: string;
  readonly now: () => number;
};

const REMEMBERED_MS = 5_000;
const REMEMBERED_MAX = 20_000;
const BEARER = /^bearer ([\w.~+/=-]+)$/i;
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const known = new LRUCache<string, Caller>({ max: REMEMBERED_MAX, ttlResolution: 0, perf: { now: deps.now } });

  async function byToken(token: string): Promise<Caller> {
    const remembered = known.get(token);
    if (remembered !== undefined) return remembered;
    const { userId, orgId, role, sessionId, isMinted, expiresAt } = await deps.tokens.verify(token);
    if (sessionId !== null && !(await deps.isSessionLive(sessionId)))
      throw new CodedError('IGW_ERR_SESSION_ENDED', 'the session has ended: sign in again');
    const caller: Caller = { principal: { userId, orgId, role, scopes: [] }, sessionId, isMinted, apiKey: null };
    const ttl = Math.min(expiresAt - deps.now(), REMEMBERED_MS);
    // 0 would mean for ever.
    if (ttl > 0) known.set(token, caller, { ttl });
    return caller;
  }

  return async (request) => {
    const header = request.headers.authorization;
    if (header !== undefined) {
      const credential = BEARER.exec(header)?.[1];
      if (credential === undefined) throw new CodedError('IGW_ERR_BAD_TOKEN', 'send Authorization: Bearer <token>');
      return isApiKey(credential) ? deps.apiKeys.authenticate(credential) : byToken(credential);
    }
    const cookie = request.cookies[accessCookie];
    if (cookie === undefined) throw new CodedError('IGW_ERR_NO_CREDENTIAL', 'send Authorization: Bearer <token>');
    const caller = await byToken(cookie);
    // A browser adds cookies by itself; a write must show that our own page meant it.
    if (
      !SAFE_METHODS.has(request.method) &&
      (caller.sessionId === null || !hasCsrfToken(request, deps.csrfSecret, caller.sessionId))
    ) {
      throw new CodedError('IGW_ERR_CSRF', 'send the cookie lf_csrf as header x-csrf-token');
    }
    return caller;
  };
}
