/**
 * Lets accepted leads into the line at the pace that the line keeps, the organisations in turn. It stands between the doors
 * for many leads at once and the outbox; single leads and webhooks do not pass here.
 *
 *   files, lists ──commit──▶ admissions ──this──▶ outbox ──relay──▶ ingest.lead.v1
 *
 * It asks and works only while something waits. Every replica may run it: each measures the same line.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fault } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { adjust, freshRate, pass, spend, within } from '../domain/admission-rate.ts';
import type { Rate } from '../domain/admission-rate.ts';
import { admitNext } from './admission-store.ts';
import type { LineWatch } from './line-watch.ts';

export type Admission = {
  /** Call after a commit of accepted leads. */
  readonly wake: () => void;
  readonly stop: () => Promise<void>;
};

export type AdmissionDeps = {
  readonly database: Database;
  /** Opened while something waits, closed when all is in. */
  readonly watchLine: () => Promise<LineWatch>;
  /** The pace that is not passed however fast the line is; asked at each look at it. */
  readonly perSecondMax: () => Promise<number>;
  readonly wakeRelay: () => void;
  readonly onError: (error: unknown) => void;
  /** Leads let in, and the pace, for the metrics. */
  readonly onAdmitted: (leads: number, perSecond: number) => void;
};

const TURN_MS = 20;
const LOOK_EVERY_MS = 500;
/** The rows of a replica that has gone are found by whoever looks next. */
const LOOK_UNASKED_MS = 30_000;
const RETRY_MS = 1_000;
/** After so long without a lead the line has room for a list again. */
const FORGET_MS = 30_000;

export function startAdmission(deps: AdmissionDeps): Admission {
  const stopping = new AbortController();
  let woken = Promise.withResolvers<undefined>();
  let rate: Rate = freshRate(0);
  let turnedAt = Number.NEGATIVE_INFINITY;

  /** Until nothing waits. */
  async function letIn(): Promise<void> {
    let perSecondMax = await deps.perSecondMax();
    // What was let in a moment ago still counts: many short lists one after the other are a long one.
    if (performance.now() - turnedAt > FORGET_MS) {
      rate = freshRate(perSecondMax);
      turnedAt = performance.now();
    }
    turn();
    rate = within(rate, perSecondMax);
    // Short lists are in before anybody has looked at the line.
    while (rate.allowance > 0) if ((await one()) === 0) return;
    const line = await deps.watchLine();
    let lookedAt = performance.now();
    try {
      while (!stopping.signal.aborted) {
        turn();
        if (turnedAt - lookedAt >= LOOK_EVERY_MS) {
          perSecondMax = await deps.perSecondMax();
          rate = adjust(rate, await line.look(), perSecondMax);
          lookedAt = turnedAt;
        }
        if (rate.allowance > 0) {
          if ((await one()) === 0) return;
        } else await delay(TURN_MS);
      }
    } finally {
      await line.close();
    }
  }

  function turn(): void {
    const now = performance.now();
    rate = pass(rate, now - turnedAt);
    turnedAt = now;
  }

  async function one(): Promise<number> {
    await fault('admission.before');
    const leads = await admitNext(deps.database);
    await fault('admission.after');
    if (leads === 0) return 0;
    rate = spend(rate, leads);
    deps.wakeRelay();
    deps.onAdmitted(leads, rate.perSecond);
    return leads;
  }

  /** Every list that is handed in wakes us: what was waited for besides must not stay behind as a timer for half a minute. */
  async function wokenOrLate(wake: Promise<undefined>): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([stopping.signal, over.signal]);
    try {
      await Promise.race([wake, delay(LOOK_UNASKED_MS, undefined, { signal })]);
    } finally {
      over.abort();
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const { promise } = woken;
      try {
        await letIn();
        await wokenOrLate(promise);
      } catch (error) {
        if (stopping.signal.aborted) return;
        deps.onError(error);
        // The only way for it to fail is the stop, looked at in the next round.
        await delay(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  const running = run();
  return {
    wake: () => {
      const { resolve } = woken;
      woken = Promise.withResolvers();
      resolve(undefined);
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
