/** Signing in, and who one is. */
import { z } from 'zod';
import { id, timestamp } from '../fields.ts';
import { roles } from '../policy.ts';
import { defineRoutes } from '../route.ts';

export const loginBody = z.strictObject({
  email: z.string().trim().min(3).max(254),
  password: z.string().min(1).max(200),
});
export const sessionAnswer = z.strictObject({
  accessToken: z.string(),
  refreshToken: z.string(),
  expiresAt: timestamp,
});

export const authRoutes = defineRoutes('ingest-gateway', {
  login: {
    method: 'POST',
    path: '/v1/auth/login',
    summary: 'Sign in with e-mail and password; also sets the cookies',
    permission: 'public',
    body: loginBody,
    answer: sessionAnswer,
    status: 200,
    errors: ['invalid_payload', 'unauthorized', 'rate_limited'],
    rows: ['X-AU-01', 'X-AU-07', 'X-AU-09'],
  },
  refresh: {
    method: 'POST',
    path: '/v1/auth/refresh',
    summary: 'Exchange a refresh token, from the body or the cookie, for a new pair',
    permission: 'public',
    body: z.strictObject({ refreshToken: z.string().max(500).optional() }).optional(),
    answer: sessionAnswer,
    status: 200,
    errors: ['invalid_payload', 'unauthorized'],
    rows: ['X-AU-02', 'X-AU-06'],
  },
  logout: {
    method: 'POST',
    path: '/v1/auth/logout',
    summary: 'End the session',
    permission: 'self',
    body: z.strictObject({}).optional(),
    answer: z.strictObject({ success: z.literal(true) }),
    status: 200,
    errors: [],
    rows: ['X-AU-06', 'X-AU-07'],
  },
  mintToken: {
    method: 'POST',
    path: '/v1/auth/token',
    summary: 'Mint an access token for somebody; administrators only, or anybody where development minting is on',
    permission: 'public',
    body: z.strictObject({ userId: z.string().trim().min(1).max(200), role: z.enum(roles) }),
    answer: z.strictObject({ accessToken: z.string(), tokenType: z.literal('Bearer') }),
    status: 200,
    errors: ['invalid_payload', 'unauthorized', 'forbidden'],
    rows: ['X-AU-03'],
  },
  me: {
    method: 'GET',
    path: '/v1/auth/me',
    summary: 'Who the caller is',
    permission: 'self',
    answer: z.strictObject({ userId: z.string(), role: z.string(), orgId: id, scopes: z.array(z.string()) }),
    status: 200,
    errors: [],
    rows: ['X-AU-04'],
  },
  adminPing: {
    method: 'GET',
    path: '/v1/admin/ping',
    summary: 'Answers administrators only',
    permission: 'admin',
    answer: z.strictObject({ status: z.literal('admin-ok') }),
    status: 200,
    errors: [],
    rows: ['GW-17'],
  },
});
