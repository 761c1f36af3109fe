/** Who may call now: our own quota, and the pause that the provider asked for with its last 429. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { TransientError } from '@lead-flood/kernel';
import { createQuota } from './quota.ts';
import type { QuotaOptions } from './quota.ts';

export type AdmissionOptions = {
  /** Names the quota in Redis and the metrics' label. */
  readonly name: string;
  readonly quota?: QuotaOptions & {
    /** A longer wait is not waited for but thrown as PRV_ERR_QUOTA. Default 1,000, the window of a limit a second. */
    readonly waitMsMax?: number;
  };
};

/** The pause without a Retry-After: a provider that only says 429 means "not this second". */
const PAUSE_MS_DEFAULT = 1_000;
/** A Retry-After of a day would silence the replica until it is restarted; after this we ask again. */
const PAUSE_MS_MAX = 60_000;

export type Admission = {
  /** `null`: go ahead. Otherwise resolves when it may, or throws PRV_ERR_QUOTA or PRV_ERR_RATE_LIMITED. */
  readonly enter: (signal: AbortSignal) => Promise<void> | null;
  /** The provider asked for a pause: it goes for all calls, not only for the one that was told. */
  readonly pause: (ms: number | null) => void;
};

export function createAdmission(options: AdmissionOptions, now: () => number): Admission {
  const { name } = options;
  const waitMsMax = options.quota?.waitMsMax ?? 1_000;
  const quota = options.quota === undefined ? null : createQuota(name, options.quota, now);
  let pausedUntil = 0;

  async function wait(signal: AbortSignal): Promise<void> {
    const giveUpAt = now() + waitMsMax;
    for (;;) {
      const pauseMs = pausedUntil - now();
      const waitMs = pauseMs > 0 ? pauseMs : quota === null ? 0 : await quota.take();
      if (waitMs <= 0) return;
      if (now() + waitMs > giveUpAt) {
        const code = pauseMs > 0 ? 'PRV_ERR_RATE_LIMITED' : 'PRV_ERR_QUOTA';
        throw new TransientError(code, `${name}: not before ${Math.ceil(waitMs)} ms`, { retryAfterMs: waitMs });
      }
      try {
        await sleepFor(waitMs, undefined, { signal });
      } catch (cause) {
        throw new TransientError('PRV_ERR_ABORTED', 'given up while waiting for the quota', { cause });
      }
    }
  }

  return {
    enter: (signal) => (quota === null && now() >= pausedUntil ? null : wait(signal)),
    pause: (ms) => {
      pausedUntil = Math.max(pausedUntil, now() + Math.min(ms ?? PAUSE_MS_DEFAULT, PAUSE_MS_MAX));
    },
  };
}
