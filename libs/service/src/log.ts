/**
 * JSON logs through an allow-list: a field that is not on it is dropped, so personal data cannot slip in through an
 * object that somebody logs whole. Redaction by path was tried elsewhere and reaches fixed depths only.
 */
import pino from 'pino';
import type { Logger } from 'pino';
import { CodedError } from '@lead-flood/kernel';
import { sqlState } from '@lead-flood/postgres';
import type { SharedConfig } from './config.ts';

export type Log = Logger;

const ALLOWED = new Set([
  'requestId',
  'correlationId',
  'orgId',
  'userId',
  'jobId',
  'leadId',
  'method',
  'route',
  'status',
  'durationMs',
  'group',
  'topic',
  'partition',
  'offset',
  'code',
  'reason',
  'what',
  'provider',
  'operation',
  'outcome',
  'state',
  'count',
  'port',
  'signal',
  'err',
  'problems',
  'attempt',
  'messageId',
  'memberId',
  'broker',
  'error',
  'version',
]);

/** Fields that may hold more than one value; everything else is a plain one, so that no record slips in under a known name. */
const STRUCTURED = new Set(['err', 'problems']);

type LoggedError = {
  name: string;
  code?: string;
  message?: string;
  sqlState?: string;
  stack?: string;
  cause?: LoggedError;
};

/** What has been made safe already; the log meets it again when the caller did so. */
const made = new WeakSet<object>();

/** Messages of foreign errors may quote input (`Key (email)=(...)`): only ours are written, and stacks without text. */
export function logError(error: unknown): LoggedError {
  if (isMade(error)) return error;
  if (!(error instanceof Error)) return { name: typeof error };
  const state = sqlState(error);
  const frames = error.stack
    ?.split('\n')
    .filter((line) => line.trimStart().startsWith('at '))
    .slice(0, 8)
    .join('\n');
  const safe: LoggedError = {
    name: error.name,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...(error instanceof CodedError || error.name === 'InvariantError' ? { message: error.message } : {}),
    ...(state === null ? {} : { sqlState: state }),
    ...(frames === undefined ? {} : { stack: frames }),
    ...(error.cause === undefined ? {} : { cause: logError(error.cause) }),
  };
  made.add(safe);
  return safe;
}

const isMade = (error: unknown): error is LoggedError => typeof error === 'object' && error !== null && made.has(error);

export function createLog(
  service: string,
  config: Pick<SharedConfig, 'LOG_LEVEL' | 'APP_ENV'>,
  destination?: pino.DestinationStream,
): Log {
  const log = pino(
    {
      level: config.LOG_LEVEL,
      base: { service, env: config.APP_ENV },
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      messageKey: 'message',
      formatters: {
        level: (label) => ({ level: label }),
        log: allowed,
      },
      serializers: { err: logError },
    },
    destination ?? pino.destination({ sync: false }),
  );
  // pino passes no formatter over what a child is bound to; children inherit these two.
  const { child, setBindings } = log;
  log.child = function (this: Log, bindings, options) {
    return child.call(this, allowed(bindings), options) as ReturnType<Log['child']>;
  } as Log['child'];
  log.setBindings = function (this: Log, bindings) {
    setBindings.call(this, allowed(bindings));
  };
  return log;
}

type Fields = Readonly<Record<string, unknown>>;

const allowed = (fields: Fields): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).filter(
      ([name, value]) => ALLOWED.has(name) && (STRUCTURED.has(name) || typeof value !== 'object'),
    ),
  );
