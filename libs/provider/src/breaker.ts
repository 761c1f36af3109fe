/**
 * Stops asking a provider that keeps failing, so that calls to it do not fill the workers (X-CB-01). It counts per
 * process: ten replicas open ten breakers, each on its own evidence. Sharing the state would put a round trip and a
 * new failure in front of every call, and a replica whose own network is ill would close the provider for all.
 *
 *   closed ── faults > threshold of at least `volumeMin` calls in the window ──▶ open
 *     ▲                                                                           │ resetMs
 *     └────────── the one trial call succeeds ───────── half-open ◀───────────────┘
 *                                                          └── it fails ──▶ open
 */
import CircuitBreaker from 'opossum';
import { TransientError } from '@lead-flood/kernel';

export type BreakerState = 'closed' | 'open' | 'half-open';

export type BreakerOptions = {
  /** Opens above this share of faults, in per cent. */
  readonly thresholdPercent: number;
  /** Fewer calls than this in the window open nothing: opossum's default of 0 opens after one failure. */
  readonly volumeMin: number;
  readonly windowMs: number;
  /** How long it stays open before one call may try. */
  readonly resetMs: number;
};

export const breakerDefaults: BreakerOptions = {
  // A provider that still answers every other call is worth its retries; below that they only fill the workers.
  thresholdPercent: 50,
  // So many that half of them failing is no accident.
  volumeMin: 20,
  // Older faults say nothing of now; at a few calls a second the window still holds enough of them.
  windowMs: 10_000,
  // One call in ten seconds is all that an ill provider is asked; redeliveries come no sooner than after five.
  resetMs: 10_000,
};

export type Breaker = {
  /** Runs the work, or throws PRV_ERR_BREAKER_OPEN without running it. */
  readonly run: <T>(work: () => Promise<T>) => Promise<T>;
  readonly state: () => BreakerState;
  readonly stop: () => void;
};

export type BreakerDeps = {
  readonly options: BreakerOptions;
  /** Whether an error says that the provider is ill; other errors count as its good health. */
  readonly isFault: (error: unknown) => boolean;
  readonly onState: (state: BreakerState) => void;
  readonly now: () => number;
};

export function createBreaker(name: string, { options, isFault, onState, now }: BreakerDeps): Breaker {
  let openedAt = 0;
  const circuit: CircuitBreaker<[() => Promise<unknown>], unknown> = new CircuitBreaker<
    [() => Promise<unknown>],
    unknown
  >((work) => work(), {
    name,
    // opossum's timeout neither ends the request nor knows one call from another (its AbortController belongs to the
    // whole circuit: one slow call would abort all in flight). exchange.ts times and really aborts each try.
    timeout: false,
    errorThresholdPercentage: options.thresholdPercent,
    volumeThreshold: options.volumeMin,
    rollingCountTimeout: options.windowMs,
    rollingCountBuckets: 10,
    resetTimeout: options.resetMs,
    // sorts every latency of the window at each failure otherwise; latencies are measured by onAttempt
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
    // A trial call that was merely given up proves nothing: in half-open it must not close the circuit.
    errorFilter: (error: unknown): boolean => !isFault(error) && !(circuit.halfOpen && isAborted(error)),
  });
  circuit.on('open', () => {
    openedAt = now();
    onState('open');
  });
  circuit.on('halfOpen', () => onState('half-open'));
  circuit.on('close', () => onState('closed'));
  return {
    async run<T>(work: () => Promise<T>): Promise<T> {
      try {
        return (await circuit.fire(work)) as T; // fire answers what `work` answers
      } catch (error) {
        const code = error instanceof Error && CircuitBreaker.isOurError(error) && 'code' in error ? error.code : null;
        if (code === 'ESHUTDOWN') throw new TransientError('PRV_ERR_ABORTED', `${name} is stopped`);
        if (code !== 'EOPENBREAKER') throw error;
        const retryAfterMs = Math.max(1, openedAt + options.resetMs - now());
        throw new TransientError('PRV_ERR_BREAKER_OPEN', `${name} failed too often`, { retryAfterMs });
      }
    },
    state: () => (circuit.closed ? 'closed' : circuit.halfOpen ? 'half-open' : 'open'),
    stop: () => circuit.shutdown(),
  };
}

const isAborted = (error: unknown): boolean => error instanceof TransientError && error.code === 'PRV_ERR_ABORTED';
