/** Waiting at a start for what is not there yet: said once, and for as long as it takes. */
import { setTimeout as delay } from 'node:timers/promises';
import { TransientError } from '@lead-flood/kernel';
import { classify } from '@lead-flood/postgres';
import type { Log } from './log.ts';
import { logError } from './log.ts';

const WAIT_MS = 500;
/** A wait that is longer is told, once: at a rollout most are not. */
const TELL_AFTER_MS = 1_000;

/** Tries until it succeeds; an error that is no absence is thrown. */
export type WaitFor = <R>(what: string, attempt: () => Promise<R>) => Promise<R>;

export const createWaiting = (log: Log, onWait: (what: string) => void): WaitFor => {
  return async (what, attempt) => {
    onWait(what);
    let told = false;
    const tell = (error?: unknown): void => {
      if (!told) log.warn({ what, ...(error === undefined ? {} : { err: logError(error) }) }, `waiting for ${what}`);
      told = true;
    };
    // A server that takes the connection and says nothing fails only after its client's patience.
    const timer = setTimeout(tell, TELL_AFTER_MS);
    try {
      for (;;) {
        try {
          const got = await attempt();
          if (told) log.info({ what }, `${what} is there`);
          return got;
        } catch (error) {
          if (!isAbsence(error)) throw error;
          tell(error);
          await delay(WAIT_MS);
        }
      }
    } finally {
      clearTimeout(timer);
    }
  };
};

/** Something that this process needs is not there yet; it may come. */
function isAbsence(error: unknown): boolean {
  if (classify(error) instanceof TransientError) return true;
  const text =
    error instanceof Error ? `${error.name} ${error.message} ${'code' in error ? String(error.code) : ''}` : '';
  return /ENOTFOUND|EAI_AGAIN|Connection|KafkaJS(Connection|NumberOfRetries|NonRetriable|Broker)/.test(text);
}
