/** Waiting for something to become true, instead of sleeping for as long as it usually takes. */
import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 20;

/** Resolves with the first value that is not null, undefined or false; fails with `what` after the deadline. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  deadlineMs = 20_000,
): Promise<T> {
  const until = Date.now() + deadlineMs;
  for (;;) {
    const value = await probe();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > until) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(EVERY_MS);
  }
}
