/**
 * Where and how a run is made to fail: each passage of a named point is a place of its own, since the second commit finds
 * another world than the first. Which modes a point has follows from what stands before it.
 */
import { TransientError } from '@lead-flood/kernel';

/**
 * crash         the process dies there: nothing of it happens any more
 * error         what was asked did not happen, and the caller is told so, once
 * lost answer   what was asked happened, and the caller hears that the connection broke, once
 */
export type Mode = 'crash' | 'error' | 'lost answer';

export type Place = { readonly point: string; readonly nth: number };
export type Fault = Place & { readonly mode: Mode };

/** How many passages of a point are places of their own. */
const PASSAGES_MAX = 3;
/** It is passed by the clock: how often depends on the machine, but for the first time. */
const BY_THE_CLOCK = /^(timers|admission)\./;

export const nameOf = ({ point, nth, mode }: Fault): string => `${point}#${nth} ${mode}`;

export function placesOf(passed: ReadonlyMap<string, number>): Place[] {
  return [...passed].flatMap(([point, times]) => {
    const most = BY_THE_CLOCK.test(point) ? 1 : PASSAGES_MAX;
    return Array.from({ length: Math.min(times, most) }, (_, i) => ({ point, nth: i + 1 }));
  });
}

/** Inside of a transaction, between two statements: both may be what the next statement answers. */
const IN_TRANSACTION = new Set([
  'processor.loaded',
  'processor.advanced',
  'processor.saved',
  'processor.outbox',
  'lease.held',
  'ticks.advanced',
]);
/** No adapter stands here: only the process itself can fail between two lines of its own. */
const IN_PROCESS = /^(step\.|relay\.published$|processor\.told$)/;

export function modesOf(point: string): readonly Mode[] {
  if (IN_TRANSACTION.has(point)) return ['crash', 'error', 'lost answer'];
  if (IN_PROCESS.test(point)) return ['crash'];
  return point.endsWith('.before') ? ['crash', 'error'] : ['crash', 'lost answer'];
}

const coded = (code: string): Error => Object.assign(new Error('planted by a test'), { code });

/** What the caller of the adapter would be told. */
export function failureAt(point: string, mode: Mode): Error {
  const lost = mode === 'lost answer';
  if (point.startsWith('kafka.')) return new TransientError('KFK_ERR_BROKER_UNAVAILABLE', 'planted by a test');
  if (point.startsWith('provider.'))
    return new TransientError(lost ? 'PRV_ERR_FAILED' : 'PRV_ERR_RATE_LIMITED', 'planted by a test', {
      ambiguous: lost,
    });
  return coded(lost ? 'ECONNRESET' : '40001');
}
