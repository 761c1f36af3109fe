/**
 * Sessions, each a family of refresh tokens of which one is live:
 *
 *      started ──refresh (live token)──▶ started, token rotated
 *         │  └──refresh (used token)──▶ revoked: somebody has a copy
 *         └──logout──▶ revoked          └──7 days without refresh──▶ expired
 */
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { roles } from '@lead-flood/contracts';
import { CodedError, randomId } from '@lead-flood/kernel';
import type { Database, Queries } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import type { TokenFacts } from './access-token.ts';
import type { User } from './user-store.ts';

export type Session = { readonly facts: TokenFacts & { readonly sessionId: string }; readonly refreshToken: string };

const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

async function issue(tx: Queries, sessionId: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await tx.query(
    sql.unsafe`insert into refresh_tokens (token_hash, session_id) values (${hashToken(token)}, ${sessionId})`,
  );
  return token;
}

export async function startSession(database: Database, user: User, ttlDays: number): Promise<Session> {
  const sessionId = randomId();
  return database.transaction(async (tx) => {
    await tx.query(sql.unsafe`
      insert into sessions (id, org_id, user_id, expires_at)
      values (${sessionId}, ${user.orgId}, ${user.id}, now() + make_interval(days => ${ttlDays}))
    `);
    const refreshToken = await issue(tx, sessionId);
    return { facts: { userId: user.id, orgId: user.orgId, role: user.role, sessionId, isMinted: false }, refreshToken };
  });
}

const found = z.object({
  session_id: z.string(),
  org_id: z.string(),
  user_id: z.string(),
  role: z.enum(roles),
  used: z.boolean(),
  live: z.boolean(),
});

/** Throws IGW_ERR_REFRESH_INVALID, or IGW_ERR_REFRESH_REUSED after it has revoked the family. */
export async function rotate(database: Database, refreshToken: string, ttlDays: number): Promise<Session> {
  const result = await database.transaction(async (tx): Promise<Session | 'invalid' | 'reused'> => {
    // The lock makes two refreshes with one token take turns: the second sees a used token.
    const row = await tx.maybeOne(sql.type(found)`
      select t.session_id, s.org_id, s.user_id, u.role, t.used_at is not null as used,
        s.revoked_at is null and s.expires_at > now() and u.disabled_at is null as live
      from refresh_tokens t join sessions s on s.id = t.session_id join users u on u.id = s.user_id
      where t.token_hash = ${hashToken(refreshToken)}
      for update of t, s
    `);
    if (row === null || !row.live) return 'invalid';
    if (row.used) {
      await tx.query(
        sql.unsafe`update sessions set revoked_at = now(), revoked_reason = 'reuse' where id = ${row.session_id}`,
      );
      return 'reused';
    }
    await tx.query(sql.unsafe`update refresh_tokens set used_at = now() where token_hash = ${hashToken(refreshToken)}`);
    await tx.query(
      sql.unsafe`update sessions set expires_at = now() + make_interval(days => ${ttlDays}) where id = ${row.session_id}`,
    );
    const next = await issue(tx, row.session_id);
    return {
      facts: { userId: row.user_id, orgId: row.org_id, role: row.role, sessionId: row.session_id, isMinted: false },
      refreshToken: next,
    };
  });
  // Thrown outside, since a throw inside would undo the revocation.
  if (result === 'invalid')
    throw new CodedError('IGW_ERR_REFRESH_INVALID', 'the refresh token is not valid or has expired');
  if (result === 'reused')
    throw new CodedError('IGW_ERR_REFRESH_REUSED', 'the refresh token was used before: sign in again');
  return result;
}

export async function endSession(database: Database, sessionId: string): Promise<void> {
  await database.query(sql.unsafe`
    update sessions set revoked_at = now(), revoked_reason = 'logout' where id = ${sessionId} and revoked_at is null
  `);
}

export const isSessionLive = (database: Database, sessionId: string): Promise<boolean> =>
  database.exists(sql.unsafe`
    select 1 from sessions s join users u on u.id = s.user_id
    where s.id = ${sessionId} and s.revoked_at is null and s.expires_at > now() and u.disabled_at is null
  `);
