/** Closed table of what can go wrong at the database, and the line between "may pass" and "will not". */
import { BackendTerminatedError, BackendTerminatedUnexpectedlyError, ConnectionError } from 'slonik';
import { CodedError, TransientError, toError } from '@lead-flood/kernel';

export const postgresErrors = {
  PGS_ERR_UNAVAILABLE: 'the database did not answer, or the connection broke',
  PGS_ERR_CONFLICT: 'two transactions met (serialisation failure or deadlock)',
  PGS_ERR_VERSION_CONFLICT: 'somebody else saved the row since it was read',
  PGS_ERR_NOT_OWNER: 'the partition belongs to another consumer now',
  PGS_ERR_UNSTORABLE_TEXT: 'a text holds NUL or half of a character, which Postgres cannot keep',
  PGS_ERR_LEASE_LOST: 'another process has taken the lease over',
} as const;

export type PostgresErrorCode = keyof typeof postgresErrors;

const LOST = [BackendTerminatedError, BackendTerminatedUnexpectedlyError, ConnectionError];
const CONFLICTS = new Set(['40001', '40P01', '55P03']);
/** Connection exceptions (08), insufficient resources (53), operator intervention (57: shutdown, crash recovery). */
const PASSING_CLASSES = /^(08|53|57P)/;
const BROKEN_CONNECTION =
  /connection terminated|connection error|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|timeout expired|Connection is closed|not queryable|Cannot use a pool|server closed/i;

/** Every SQLSTATE has a digit; without that, Node's `EPIPE` would pass for one and a broken connection for bad data. */
const SQL_STATE = /^(?=.*\d)[0-9A-Z]{5}$/;

/** Finds a SQLSTATE in the error or in what caused it. */
export function sqlState(thrown: unknown): string | null {
  for (let error: unknown = thrown; error instanceof Error; error = error.cause) {
    if ('code' in error && typeof error.code === 'string' && SQL_STATE.test(error.code)) return error.code;
  }
  return null;
}

function mentionsConnection(thrown: unknown): boolean {
  for (let error: unknown = thrown; error instanceof Error; error = error.cause) {
    if (BROKEN_CONNECTION.test(error.message)) return true;
    if ('code' in error && typeof error.code === 'string' && BROKEN_CONNECTION.test(error.code)) return true;
    // By class: slonik's errors are all called "Error", and what they say differs from place to place.
    if (LOST.some((kind) => error instanceof kind)) return true;
  }
  return false;
}

/** Two met, or a row was changed meanwhile: another try helps, unless the data itself makes each try end so. */
export const isConflict = (error: Error): boolean =>
  error instanceof TransientError && (error.code === 'PGS_ERR_CONFLICT' || error.code === 'PGS_ERR_VERSION_CONFLICT');

/** A `TransientError` where another try may help, otherwise the error itself. */
export function classify(thrown: unknown): Error {
  if (thrown instanceof CodedError) return thrown;
  const error = toError(thrown);
  const state = sqlState(error);
  if (state !== null && CONFLICTS.has(state))
    return new TransientError('PGS_ERR_CONFLICT', `SQLSTATE ${state}`, { cause: error });
  if ((state !== null && PASSING_CLASSES.test(state)) || (state === null && mentionsConnection(error))) {
    return new TransientError('PGS_ERR_UNAVAILABLE', state === null ? error.message : `SQLSTATE ${state}`, {
      cause: error,
    });
  }
  return error;
}
