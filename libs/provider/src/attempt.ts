/** One try of a call and what its answer means: an answer, a refusal that is an answer, or a fault that may pass. */
import { CodedError, TransientError, toError } from '@lead-flood/kernel';
import type { ZodType } from 'zod';
import type { Exchanged } from './exchange.ts';
import { readRetryAfter } from './retry.ts';

/** Closed, for metric labels. */
export type Outcome =
  | 'ok'
  | 'refused'
  | 'rate-limited'
  | 'failed'
  | 'timeout'
  | 'unreachable'
  | 'reset'
  | 'garbage'
  | 'too-large'
  | 'aborted'
  | 'forbidden'
  | 'quota'
  | 'breaker-open';

export type CallResult<T> =
  | {
      readonly kind: 'ok';
      readonly status: number;
      readonly data: T;
      /** Of the try that was answered, without waiting for quota and without earlier tries. */
      readonly latencyMs: number;
      /** By `price`; 0 without one. Millionths of a US dollar. */
      readonly costMicros: number;
      readonly headers: Exchanged['headers'];
    }
  | {
      /** 3xx or 4xx: the provider understood, and asking again would be answered the same. */
      readonly kind: 'refused';
      readonly status: number;
      /** The beginning of what it said, for a decision by code; it may name people, so never for a log. */
      readonly body?: string;
      /** By `readRefusal`; null: it had nothing to say, so the status stands for itself. */
      readonly reason: string | null;
      readonly latencyMs: number;
    };

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  PRV_ERR_RATE_LIMITED: 'rate-limited',
  PRV_ERR_TIMEOUT: 'timeout',
  PRV_ERR_UNREACHABLE: 'unreachable',
  PRV_ERR_RESET: 'reset',
  PRV_ERR_GARBAGE: 'garbage',
  PRV_ERR_SHAPE: 'garbage',
  PRV_ERR_TOO_LARGE: 'too-large',
  PRV_ERR_ABORTED: 'aborted',
  PRV_ERR_FORBIDDEN_ADDRESS: 'forbidden',
  PRV_ERR_QUOTA: 'quota',
  PRV_ERR_BREAKER_OPEN: 'breaker-open',
};

export const outcomeOf = (error: unknown): Outcome =>
  (error instanceof CodedError ? OUTCOMES[error.code] : undefined) ?? 'failed';

/** The status that came with a failed try, for telemetry. */
export const statusOf = (error: unknown): number | null => {
  const status = error instanceof CodedError ? error.details['status'] : undefined;
  return typeof status === 'number' ? status : null;
};

/** What an answer other than 2xx means, where a provider's words say more than its status. */
export type RefusalReading =
  | { readonly kind: 'rate-limited'; readonly retryAfterMs: number | null }
  /** It may pass; counts for the breaker. */
  | { readonly kind: 'failed' }
  /** Final. `reason`: a closed word of the caller's, handed back with the result. */
  | { readonly kind: 'refused'; readonly reason: string };

/** null: the status alone decides. Sees the whole answer with its headers; must not throw. */
export type ReadRefusal = (answer: Exchanged, now: number) => RefusalReading | null;

const REFUSAL_CHARS_MAX = 500;

export type Read<T> =
  | { readonly kind: 'ok'; readonly data: T }
  | { readonly kind: 'refused'; readonly body: string; readonly reason: string | null };

/**
 * Reads a complete answer. 2xx goes through the schema; other 3xx and 4xx are refusals, unless `readRefusal` knows
 * better. Faults:
 * - rate limits, 408, 425, 501 and 503 were not processed: not ambiguous;
 * - other 5xx may come from a door whose house went on working: ambiguous;
 * - garbage and another shape arrive after the work was done (and billed): ambiguous.
 */
export function readAnswer<T>(answer: Exchanged, schema: ZodType<T>, readRefusal: ReadRefusal, now: number): Read<T> {
  const { status } = answer;
  const said = status >= 300 ? readRefusal(answer, now) : null;
  const retryAfterMs =
    said?.kind === 'rate-limited' ? said.retryAfterMs : readRetryAfter(answer.headers['retry-after'], now);
  const options = { details: { status }, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
  if (said?.kind === 'rate-limited' || (said === null && status === 429))
    throw new TransientError('PRV_ERR_RATE_LIMITED', `answered ${status}`, options);
  if (said?.kind === 'failed' || (said === null && (status >= 500 || status === 408 || status === 425))) {
    const ambiguous = status >= 500 && status !== 503 && status !== 501;
    throw new TransientError('PRV_ERR_FAILED', `answered ${status}`, { ...options, ambiguous });
  }
  if (status >= 300)
    return { kind: 'refused', body: answer.text.slice(0, REFUSAL_CHARS_MAX), reason: said?.reason ?? null };
  const read = schema.safeParse(parseJson(answer));
  if (read.success) return { kind: 'ok', data: read.data };
  // paths and expectations only: values may name people
  const where = read.error.issues.slice(0, 3).map(({ path, code }) => `${path.join('.')} ${code}`);
  throw new TransientError('PRV_ERR_SHAPE', `unexpected shape: ${where.join('; ')}`, {
    details: { status },
    ambiguous: true,
  });
}

function parseJson({ status, text }: Exchanged): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8's message quotes the text, which may name people
    throw new TransientError('PRV_ERR_GARBAGE', 'not JSON', {
      details: { status, error: toError(error).name },
      ambiguous: true,
    });
  }
}
