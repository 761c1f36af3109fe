/**
 * One answer per Idempotency-Key (decision C-21), kept for 24 hours:
 *
 *      (none) ──claim──▶ in progress ──finish──▶ done ──24 h──▶ (none)
 *                          │  ▲ └──release── the work failed on our side: the same key may try again
 *                          └──┘ taken over 60 s after its holder was last heard of: it has crashed
 *
 * The holder is heard of for as long as it works. A long file takes minutes, and a second reader of it would take as long
 * beside the first.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CodedError, randomId } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';

export type Answer = { readonly status: number; readonly body: string };

export type Keyed = {
  readonly orgId: string;
  /** Method and template of the path. */
  readonly route: string;
  readonly key: string;
};

export type Idempotency = {
  /** Runs the work, or repeats the answer that it gave before. */
  readonly once: (
    keyed: Keyed,
    hash: string,
    work: () => Promise<Answer>,
  ) => Promise<{ readonly answer: Answer; readonly replayed: boolean }>;
};

const TAKE_OVER_SECONDS = 60;
/** Two of them may be lost. */
const HOLD_EVERY_MS = 20_000;
const FORM = /^[\w.:-]{1,100}$/;

/** The key of a request, or null without one. Throws IGW_ERR_BAD_IDEMPOTENCY_KEY: an unusable key must not be ignored silently. */
export function readIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  if (typeof header === 'string' && FORM.test(header)) return header;
  throw new CodedError('IGW_ERR_BAD_IDEMPOTENCY_KEY', 'Idempotency-Key: one to 100 letters, digits, or any of _.:-');
}

export const hashRequest = (...parts: readonly (string | Buffer)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\u001f');
  return hash.digest('hex');
};

/** Worth repeating: what the client will get whenever it asks. A fault of ours or a limit is neither. */
export const isFinal = (status: number): boolean => status < 500 && status !== 429 && status !== 401 && status !== 403;

const row = z.object({
  request_hash: z.string(),
  state: z.enum(['in_progress', 'done']),
  status: z.int().nullable(),
  answer: z.string().nullable(),
});
type Row = z.infer<typeof row>;

export function createIdempotency(
  database: Database,
  onLost: (error: unknown) => void,
  holdEveryMs = HOLD_EVERY_MS,
): Idempotency {
  return {
    async once(keyed, hash, work) {
      const claimId = randomId();
      const earlier = await claim(database, keyed, hash, claimId);
      if (earlier !== null) return { answer: repeat(earlier, hash), replayed: true };
      const holding = setInterval(() => void hold(database, claimId, keyed).catch(onLost), holdEveryMs);
      let answer: Answer;
      try {
        answer = await work();
      } catch (error) {
        await release(database, claimId, keyed).catch(onLost);
        throw error;
      } finally {
        clearInterval(holding);
      }
      // The work is done: a client must hear so even if its answer cannot be kept.
      if (isFinal(answer.status)) await finish(database, keyed, claimId, hash, answer).catch(onLost);
      else await release(database, claimId, keyed).catch(onLost);
      return { answer, replayed: false };
    },
  };
}

/** Null: the claim is ours. Otherwise the row of whoever was here before. */
async function claim(
  database: Database,
  { orgId, route, key }: Keyed,
  hash: string,
  claimId: string,
): Promise<Row | null> {
  for (;;) {
    const claimed = await database.maybeOneFirst(sql.type(z.object({ claim_id: z.string() }))`
      insert into idempotency_keys as k (org_id, route, key, request_hash, state, claim_id)
      values (${orgId}, ${route}, ${key}, ${hash}, 'in_progress', ${claimId})
      on conflict (org_id, route, key) do update set
        request_hash = excluded.request_hash, state = 'in_progress', claim_id = excluded.claim_id, claimed_at = now(), status = null, answer = null
      where k.claimed_at < now() - interval '24 hours'
        or (k.state = 'in_progress' and k.request_hash = excluded.request_hash and k.claimed_at < now() - make_interval(secs => ${TAKE_OVER_SECONDS}))
      returning claim_id
    `);
    if (claimed !== null) return null;
    const earlier = await database.maybeOne(sql.type(row)`
      select request_hash, state, status, answer from idempotency_keys where org_id = ${orgId} and route = ${route} and key = ${key}
    `);
    // Gone in between: its holder has released it, so it can be claimed now.
    if (earlier !== null) return earlier;
  }
}

function repeat(earlier: Row, hash: string): Answer {
  if (earlier.request_hash !== hash)
    throw new CodedError('IGW_ERR_IDEMPOTENCY_MISMATCH', 'this Idempotency-Key was used with another request');
  if (earlier.status === null || earlier.answer === null) {
    throw new CodedError(
      'IGW_ERR_IDEMPOTENCY_IN_PROGRESS',
      'the first request with this Idempotency-Key is still being worked on',
    );
  }
  return { status: earlier.status, body: earlier.answer };
}

async function hold(database: Database, claimId: string, { orgId, route, key }: Keyed): Promise<void> {
  await database.query(sql.unsafe`
    update idempotency_keys set claimed_at = now()
    where org_id = ${orgId} and route = ${route} and key = ${key} and claim_id = ${claimId} and state = 'in_progress'
  `);
}

async function finish(
  database: Database,
  { orgId, route, key }: Keyed,
  claimId: string,
  hash: string,
  { status, body }: Answer,
): Promise<void> {
  await database.query(sql.unsafe`
    update idempotency_keys set state = 'done', status = ${status}, answer = ${body}, request_hash = ${hash}
    where org_id = ${orgId} and route = ${route} and key = ${key} and claim_id = ${claimId}
  `);
}

async function release(database: Database, claimId: string, { orgId, route, key }: Keyed): Promise<void> {
  await database.query(sql.unsafe`
    delete from idempotency_keys where org_id = ${orgId} and route = ${route} and key = ${key} and claim_id = ${claimId}
  `);
}
