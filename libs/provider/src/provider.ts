/**
 * One provider: quota, then breaker, then retries, then a timed call. What a call answers is a value; what may pass
 * is thrown as a TransientError that says whether the provider may have done the work all the same.
 */
import { invariant, TransientError } from '@lead-flood/kernel';
import type { ZodType } from 'zod';
import { createAdmission } from './admission.ts';
import type { Admission, AdmissionOptions } from './admission.ts';
import { outcomeOf, readAnswer, statusOf } from './attempt.ts';
import type { CallResult, Outcome, ReadRefusal } from './attempt.ts';
import { breakerDefaults, createBreaker } from './breaker.ts';
import type { BreakerOptions, BreakerState } from './breaker.ts';
import { createEgress } from './egress.ts';
import type { Egress, EgressOptions } from './egress.ts';
import type { Method } from './exchange.ts';
import { retry, retryDefaults } from './retry.ts';
import type { RetryOptions } from './retry.ts';

export type { CallResult, Outcome, ReadRefusal, RefusalReading } from './attempt.ts';

/** One try, or a call that was not made (`quota`, `breaker-open`). Nothing in it names a person. */
export type AttemptReport = {
  readonly provider: string;
  readonly operation: string;
  readonly outcome: Outcome;
  readonly status: number | null;
  readonly latencyMs: number;
  readonly costMicros: number;
};

export type ProviderHooks = {
  readonly onAttempt?: (report: AttemptReport) => void;
  readonly onBreaker?: (provider: string, state: BreakerState) => void;
};

export type ProviderOptions = EgressOptions &
  AdmissionOptions &
  ProviderHooks & {
    /** May end with a path, under which all operations live. */
    readonly baseUrl: string;
    /** Tries after the first one (default 2), or the whole set. */
    readonly retries?: number | Partial<RetryOptions>;
    readonly breaker?: Partial<BreakerOptions>;
    /** What this provider's refusals mean, by their bodies and headers. Default: 429 says "slower", 5xx may pass. */
    readonly readRefusal?: ReadRefusal;
    readonly now?: () => number;
    readonly random?: () => number;
  };

export type CallOptions<T> = {
  /** For telemetry: a closed word, never an id. */
  readonly operation: string;
  readonly method: Method;
  /** Below the base URL, with a leading slash and without a query. */
  readonly path: string;
  /** `undefined` and `null` leave a parameter out. */
  readonly query?: Readonly<Record<string, string | number | null | undefined>>;
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
  readonly schema: ZodType<T>;
  readonly signal: AbortSignal;
  /**
   * Whether the call may be made again when the first one may have been processed. False by default, for reading
   * calls too: a lookup that was lost on its way back has been paid.
   */
  readonly repeatable?: boolean;
  readonly price?: (answer: T, status: number) => number;
};

export type Provider = {
  readonly name: string;
  /** Throws TransientError (passing faults) or CodedError (forbidden address, unsendable request). */
  readonly call: <T>(options: CallOptions<T>) => Promise<CallResult<T>>;
  readonly breakerState: () => BreakerState;
  /** Waits for calls under way, then closes connections and timers. */
  readonly stop: () => Promise<void>;
};

/** Whether a failed call says that the provider is ill. Its asking us to slow down does not, nor does our giving up. */
const FAULTS: ReadonlySet<Outcome> = new Set(['failed', 'timeout', 'unreachable', 'reset', 'garbage', 'too-large']);

/** No retry within the call: the time is spent (timeout), or the same answer would come and be billed again. */
const FINAL: ReadonlySet<Outcome> = new Set(['timeout', 'aborted', 'garbage', 'too-large', 'quota', 'breaker-open']);

export function createProvider(options: ProviderOptions): Provider {
  const { name, now = Date.now, timeoutMs = 10_000, random } = options;
  const egress = createEgress(options);
  const admission = createAdmission(options, now);
  const attempt = createAttempt(options, egress, admission, now);
  const retries = typeof options.retries === 'number' ? { retriesMax: options.retries } : options.retries;
  const retryOptions = { ...retryDefaults, ...retries };
  const breaker = createBreaker(name, {
    options: { ...breakerDefaults, ...options.breaker },
    isFault: (error) => FAULTS.has(outcomeOf(error)) || (error instanceof GivenUp && error.waitedMs >= timeoutMs / 2),
    onState: (state) => options.onBreaker?.(name, state),
    now,
  });

  async function call<T>(request: CallOptions<T>): Promise<CallResult<T>> {
    invariant(request.path.startsWith('/'), 'a path begins with a slash');
    const { signal, operation, repeatable = false } = request;
    const mayRetry = (error: TransientError): boolean =>
      (repeatable || !error.ambiguous) && !FINAL.has(outcomeOf(error));
    const tryOnce = async (tries: number): Promise<CallResult<T>> => {
      // every request counts against the quota, not every call
      if (tries > 0) await admission.enter(signal);
      return attempt(request);
    };
    try {
      const waiting = admission.enter(signal);
      if (waiting !== null) await waiting;
      return await breaker.run(() =>
        retry({
          attempt: tryOnce,
          mayRetry,
          options: retryOptions,
          signal,
          ...(random === undefined ? {} : { random }),
        }),
      );
    } catch (error) {
      const outcome = outcomeOf(error);
      const isUnsent = outcome === 'breaker-open' || outcome === 'quota';
      if (isUnsent)
        options.onAttempt?.({ provider: name, operation, outcome, status: null, latencyMs: 0, costMicros: 0 });
      throw error;
    }
  }

  const stop = async (): Promise<void> => {
    breaker.stop();
    await egress.stop();
  };
  return { name, call, breakerState: breaker.state, stop };
}

type Attempt = <T>(call: CallOptions<T>) => Promise<CallResult<T>>;

/** One timed, reported try. */
function createAttempt(options: ProviderOptions, egress: Egress, admission: Admission, now: () => number): Attempt {
  const { name, onAttempt, readRefusal = () => null } = options;
  const base = egress.target(options.baseUrl.replace(/(?<!\/)\/+$/, ''));
  const prefix = base.path === '/' ? '' : base.path;

  return async (call) => {
    const { operation, method, schema, signal, price } = call;
    const startedAt = performance.now();
    const finish = (outcome: Outcome, status: number | null, costMicros: number): number => {
      const latencyMs = Math.round((performance.now() - startedAt) * 10) / 10;
      onAttempt?.({ provider: name, operation, outcome, status, latencyMs, costMicros });
      return latencyMs;
    };
    try {
      const target = { origin: base.origin, path: prefix + call.path + queryText(call.query) };
      const answer = await egress.send(target, { method, signal, ...payload(call) });
      const { status } = answer;
      const read = readAnswer(answer, schema, readRefusal, now());
      if (read.kind === 'refused') return { ...read, status, latencyMs: finish('refused', status, 0) };
      const { headers } = answer;
      const costMicros = price?.(read.data, status) ?? 0;
      return { kind: 'ok', status, data: read.data, latencyMs: finish('ok', status, costMicros), costMicros, headers };
    } catch (error) {
      finish(outcomeOf(error), statusOf(error), 0);
      if (error instanceof TransientError && error.code === 'PRV_ERR_RATE_LIMITED') admission.pause(error.retryAfterMs);
      if (signal.aborted && error instanceof TransientError) throw new GivenUp(error, performance.now() - startedAt);
      throw error;
    }
  };
}

function payload({ headers, json }: Pick<CallOptions<unknown>, 'headers' | 'json'>): {
  headers: Record<string, string>;
  body: string | null;
} {
  if (json === undefined) return { headers: { accept: 'application/json', ...headers }, body: null };
  return {
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
    body: JSON.stringify(json),
  };
}

/** The caller gave up. After half a timeout of waiting that is the provider's fault, or deadlines would hide a slow one. */
class GivenUp extends TransientError {
  readonly waitedMs: number;

  constructor(error: TransientError, waitedMs: number) {
    super('PRV_ERR_ABORTED', error.message, { cause: error.cause, ambiguous: error.ambiguous });
    this.waitedMs = waitedMs;
  }
}

function queryText(query: CallOptions<unknown>['query']): string {
  if (query === undefined) return '';
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) parameters.append(key, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}
