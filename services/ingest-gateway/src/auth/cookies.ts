/**
 * The cookies of a browser's session. SameSite=Strict keeps other sites from sending them; the token in a header, bound
 * to the session, keeps a sister domain from writing with them.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
// For its additions to the types of requests and answers.
import type {} from '@fastify/cookie';
import type { HttpReply, HttpRequest } from '@lead-flood/service';

export const accessCookie = 'lf_access';
export const refreshCookie = 'lf_refresh';
export const csrfCookie = 'lf_csrf';
export const csrfHeader = 'x-csrf-token';

export type SessionTokens = { readonly accessToken: string; readonly refreshToken: string; readonly csrfToken: string };

const base = { path: '/', secure: true, sameSite: 'strict' } as const;

export function setSessionCookies(
  reply: HttpReply,
  tokens: SessionTokens,
  lives: { accessSeconds: number; refreshSeconds: number },
): void {
  void reply
    .setCookie(accessCookie, tokens.accessToken, { ...base, httpOnly: true, maxAge: lives.accessSeconds })
    .setCookie(refreshCookie, tokens.refreshToken, { ...base, httpOnly: true, maxAge: lives.refreshSeconds })
    // For the page's own script to read and send back.
    .setCookie(csrfCookie, tokens.csrfToken, { ...base, httpOnly: false, maxAge: lives.refreshSeconds });
}

export function clearSessionCookies(reply: HttpReply): void {
  for (const name of [accessCookie, refreshCookie, csrfCookie])
    void reply.clearCookie(name, { ...base, httpOnly: name !== csrfCookie });
}

export const csrfTokenOf = (secret: string, sessionId: string): string =>
  createHmac('sha256', secret).update(`csrf ${sessionId}`).digest('base64url');

export function hasCsrfToken(request: HttpRequest, secret: string, sessionId: string): boolean {
  const sent = request.headers[csrfHeader];
  if (typeof sent !== 'string') return false;
  const wanted = Buffer.from(csrfTokenOf(secret, sessionId));
  const actual = Buffer.from(sent);
  return wanted.length === actual.length && timingSafeEqual(wanted, actual);
}
