/** The three doors to a token: login, refresh, and minting by an administrator (decision C-01); and who one is, and the way out. */
import { authRoutes } from '@lead-flood/contracts';
import { CodedError } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import type { HttpExchange, HttpHandlers, HttpReply, HttpServer } from '@lead-flood/service';
import { addRoutes, nobody } from '@lead-flood/service';
import type { Gate } from '../access/gate.ts';
import type { GatewayConfig } from '../config.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import type { AccessTokens, TokenFacts } from './access-token.ts';
import type { Authenticator } from './authenticator.ts';
import { clearSessionCookies, csrfTokenOf, refreshCookie, setSessionCookies } from './cookies.ts';
import { isPassword } from './password.ts';
import type { Session } from './session-store.ts';
import { endSession, rotate, startSession } from './session-store.ts';
import type { User } from './user-store.ts';
import { countFailure, emailHash, findUser, forgetFailures, lockedUntil } from './user-store.ts';

export type AuthDeps = {
  readonly config: GatewayConfig;
  readonly database: Database;
  readonly tokens: AccessTokens;
  readonly authenticate: Authenticator;
  readonly limits: RequestLimits;
  readonly gate: Gate;
};

const DAY_SECONDS = 86_400;

export function addAuthDoors(server: HttpServer, deps: AuthDeps): void {
  addRoutes(server, authRoutes, handlers(deps), (request, route) =>
    Promise.resolve(route.permission === 'public' ? nobody : deps.gate.callerOf(request).principal),
  );
}

const handlers = (deps: AuthDeps): HttpHandlers<typeof authRoutes> => ({
  login: async ({ body }, { request, reply }) => {
    await deps.limits.attempt(request.ip, emailHash(body.email), reply);
    const user = await checkPassword(deps, body, reply);
    return answerSession(deps, await startSession(deps.database, user, deps.config.REFRESH_TTL_DAYS), reply);
  },
  refresh: async ({ body }, { request, reply }) => {
    const token = body?.refreshToken ?? request.cookies[refreshCookie];
    if (token === undefined)
      throw new CodedError('IGW_ERR_REFRESH_INVALID', 'send the refresh token in the body or as cookie');
    return answerSession(deps, await rotate(deps.database, token, deps.config.REFRESH_TTL_DAYS), reply);
  },
  logout: async (_request, { request, reply }) => {
    const { sessionId, isMinted } = deps.gate.callerOf(request);
    if (sessionId !== null && !isMinted) await endSession(deps.database, sessionId);
    clearSessionCookies(reply);
    return { success: true };
  },
  mintToken: async ({ body }, exchange) => {
    const minting = await minterOf(deps, exchange);
    const { token } = await deps.tokens.sign(
      { userId: body.userId, role: body.role, isMinted: true, ...minting },
      deps.config.JWT_ACCESS_TOKEN_TTL_SECONDS,
    );
    return { accessToken: token, tokenType: 'Bearer' };
  },
  me: ({ principal }) =>
    Promise.resolve({
      userId: principal.userId,
      role: principal.role,
      orgId: principal.orgId,
      scopes: [...principal.scopes],
    }),
  adminPing: () => Promise.resolve({ status: 'admin-ok' }),
});

/** Unknown address, wrong password and locked address cost the same time; the first two read the same. */
async function checkPassword(
  { config, database }: AuthDeps,
  { email, password }: { email: string; password: string },
  reply: HttpReply,
): Promise<User> {
  const locked = await lockedUntil(database, email);
  if (locked !== null) {
    void reply.header('retry-after', Math.max(1, Math.ceil((locked - Date.now()) / 1_000)));
    throw new CodedError('IGW_ERR_LOCKED', 'too many failed logins: locked for a while');
  }
  const user = await findUser(database, email);
  if ((await isPassword(password, user?.passwordHash ?? null)) && user !== null) {
    await forgetFailures(database, email);
    return user;
  }
  await countFailure(database, email, config.LOCKOUT_FAILURES, config.LOCKOUT_SECONDS);
  throw new CodedError('IGW_ERR_WRONG_PASSWORD', 'e-mail or password is wrong');
}

async function answerSession({ config, tokens }: AuthDeps, { facts, refreshToken }: Session, reply: HttpReply) {
  const { token, expiresAt } = await tokens.sign(facts, config.ACCESS_TTL_SECONDS);
  const csrfToken = csrfTokenOf(config.JWT_ACCESS_SECRET, facts.sessionId);
  setSessionCookies(
    reply,
    { accessToken: token, refreshToken, csrfToken },
    { accessSeconds: config.ACCESS_TTL_SECONDS, refreshSeconds: config.REFRESH_TTL_DAYS * DAY_SECONDS },
  );
  void reply.header('cache-control', 'no-store');
  return { accessToken: token, refreshToken, expiresAt: new Date(expiresAt).toISOString() };
}

/**
 * The organisation for which the caller may mint, and the session that the token ends with: an administrator's own, or in
 * development the default organisation and none.
 */
async function minterOf(
  { config, authenticate }: AuthDeps,
  { request }: HttpExchange,
): Promise<Pick<TokenFacts, 'orgId' | 'sessionId'>> {
  if (config.AUTH_DEV_TOKEN_MINT && request.headers.authorization === undefined)
    return { orgId: config.DEFAULT_ORG_ID, sessionId: null };
  const { principal, sessionId, isMinted } = await authenticate(request);
  // A key has no session: it is for machines and has scopes, which a minted token would shed. A minted token that minted
  // would make the hour of one that was stolen last for ever.
  if (principal.role !== 'admin' || sessionId === null || isMinted)
    throw new CodedError('IGW_ERR_MINT_NOT_ALLOWED', 'only an administrator who has signed in may mint tokens');
  return { orgId: principal.orgId, sessionId };
}
