// Waits for a condition with a deadline, so that nothing in the local stack sleeps for a fixed time.
import { setTimeout as delay } from 'node:timers/promises';
import { LocalError } from './errors.ts';

export interface PollingOptions {
  /** What is awaited, for the message. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly intervalMs?: number;
}

/** Calls `condition` until it answers true; throws LOCAL_ERR_NOT_READY at the deadline. An exception of it ends the wait. */
export async function pollUntil(condition: () => boolean | Promise<boolean>, options: PollingOptions): Promise<void> {
  const deadline = performance.now() + options.timeoutMs;
  while (!(await condition())) {
    if (performance.now() >= deadline) {
      throw new LocalError('LOCAL_ERR_NOT_READY', `${options.what}: not within ${options.timeoutMs} ms`);
    }
    await delay(options.intervalMs ?? 25);
  }
}
