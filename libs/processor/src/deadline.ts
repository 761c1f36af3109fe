/** A call that does not listen to its signal is left behind when the signal fires: nobody waits for it any more. */
import { TransientError } from '@lead-flood/kernel';

export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => {
    aborted.reject(new TransientError('PRC_ERR_DEADLINE', 'aborted', { ambiguous: true }));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
