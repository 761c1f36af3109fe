/**
 * The three kinds of failure. Domain outcomes are values (`Decision`); a fault of the world that may pass is a
 * `TransientError`; a refusal with a code is a `CodedError`; a broken promise of our own code is an
 * `InvariantError`, which ends the process.
 */
import type { ErrorCode } from './decision.ts';

/** A failure with a code of a closed table. Doors turn it into an answer by their own table. */
export class CodedError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { details?: Record<string, unknown>; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CodedError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** The world failed in a way that may pass (network, overload, deadlock): the same input may be tried again. */
export class TransientError extends CodedError {
  /** The earliest sensible next try in milliseconds from now, when the other side named one (Retry-After). */
  readonly retryAfterMs: number | null;
  /** The other side may have done what was asked (the answer was lost): only a repeatable call may be tried again. */
  readonly ambiguous: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: Record<string, unknown>; cause?: unknown; retryAfterMs?: number; ambiguous?: boolean } = {},
  ) {
    super(code, message, options);
    this.name = 'TransientError';
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.ambiguous = options.ambiguous ?? false;
  }
}

/** Our own code broke a promise. Nobody may catch and go on: the process ends and a fresh one replays. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvariantError';
  }
}

export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The error, or what was thrown instead of one, as an Error. */
export const toError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
