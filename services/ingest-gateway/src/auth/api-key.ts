/**
 * API keys `lf_<prefix>_<secret>`: the prefix finds the row, the secret is compared as SHA-256 (decision C-34: 256 random
 * bits need no slow hash). Rows are remembered for a few seconds, so a revoked key stops within that time everywhere.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { CodedError } from '@lead-flood/kernel';
import type { Caller, Plan } from './caller.ts';

export type ApiKeyRow = {
  readonly id: string;
  readonly orgId: string;
  readonly userId: string;
  readonly role: string;
  readonly plan: Plan;
  readonly secretHash: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number | null;
};

const FORM = /^lf_([a-z0-9]{12})_([\w-]{43})$/;
const REMEMBERED_MS = 5_000;
const REMEMBERED_MAX = 10_000;

export const isApiKey = (credential: string): boolean => credential.startsWith('lf_');

export function makeApiKey(): { readonly key: string; readonly prefix: string; readonly secretHash: string } {
  const prefix = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return { key: `lf_${prefix}_${secret}`, prefix, secretHash: hashSecret(secret) };
}

export const splitApiKey = (key: string): { readonly prefix: string; readonly secret: string } | null => {
  const [, prefix, secret] = FORM.exec(key) ?? [];
  return prefix === undefined || secret === undefined ? null : { prefix, secret };
};

export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export type ApiKeys = { readonly authenticate: (key: string) => Promise<Caller> };

export type ApiKeyDeps = {
  /** Rows that are neither revoked nor of a disabled user. */
  readonly find: (prefix: string) => Promise<ApiKeyRow | null>;
  readonly onUsed: (id: string) => void;
  readonly now: () => number;
};

export function createApiKeys({ find, onUsed, now }: ApiKeyDeps): ApiKeys {
  const rows = new LRUCache<string, { readonly row: ApiKeyRow | null }>({
    max: REMEMBERED_MAX,
    ttl: REMEMBERED_MS,
    ttlResolution: 0,
    perf: { now },
  });
  return {
    async authenticate(key) {
      const parts = splitApiKey(key);
      if (parts === null) throw badKey();
      const remembered = rows.get(parts.prefix);
      const row = remembered === undefined ? await find(parts.prefix) : remembered.row;
      if (remembered === undefined) rows.set(parts.prefix, { row });
      const hash = Buffer.from(hashSecret(parts.secret), 'hex');
      // An unknown prefix is compared too, with a digest that nothing has.
      const matches = timingSafeEqual(
        hash,
        row === null ? Buffer.alloc(hash.length) : Buffer.from(row.secretHash, 'hex'),
      );
      if (row === null || !matches || (row.expiresAt !== null && row.expiresAt <= now())) throw badKey();
      onUsed(row.id);
      return {
        principal: { userId: row.userId, orgId: row.orgId, role: row.role, scopes: row.scopes },
        sessionId: null,
        isMinted: false,
        apiKey: { id: row.id, plan: row.plan },
      };
    },
  };
}

const badKey = (): CodedError => new CodedError('IGW_ERR_BAD_API_KEY', 'the API key is not valid');
