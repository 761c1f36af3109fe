/**
 * How an effect runner ends, and how its parts hear that something has changed: all that they share besides the messages.
 *
 *   alive ──stop──▶ stopping    calls are told to end; what is finished may still be committed
 *     └─────die───▶ dead        nothing is decided or committed any more, so that a restart finds all of it
 */
import { setTimeout as delay } from 'node:timers/promises';

export type Lifecycle = {
  /** Has fired once the runner is stopping or dead: nothing starts any more. */
  readonly stopping: AbortSignal;
  readonly isDead: () => boolean;
  readonly stop: () => void;
  /** The process is about to end. */
  readonly die: (error: Error) => void;
  /** Something was committed, given up or dropped: whoever waits looks again. */
  readonly signalChange: () => void;
  /** Resolves with the next change, or a moment later without one. */
  readonly change: () => Promise<void>;
};

/** Nobody signals that a partition is to be given up or that a deadline has passed: who waits looks so often by himself. */
const LOOK_MS = 100;

export function createLifecycle(onFatal: (error: Error) => void): Lifecycle {
  const stopping = new AbortController();
  let dead = false;
  let changed = Promise.withResolvers<undefined>();

  function signalChange(): void {
    const { resolve } = changed;
    changed = Promise.withResolvers();
    resolve(undefined);
  }

  return {
    stopping: stopping.signal,
    isDead: () => dead,
    stop: () => {
      stopping.abort();
    },
    die: (error) => {
      dead = true;
      stopping.abort();
      signalChange();
      onFatal(error);
    },
    signalChange,
    change: async () => {
      await Promise.race([changed.promise, delay(LOOK_MS)]);
    },
  };
}
