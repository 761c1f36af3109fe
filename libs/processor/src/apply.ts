/**
 * The door for commands that come by REST: the same `facts`, `decide` and `store` as for events, in a transaction of
 * its own. Calls that arrive while one transaction is running share the next one, so a burst costs a few commits.
 */
import type { Topic } from '@lead-flood/contracts';
import type { Codec } from '@lead-flood/kafka';
import type { Clock } from '@lead-flood/kernel';
import { activeTraceparent, CodedError, fault, invariant, randomId, toError } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { growingPauseMs, insertOutbox, insertTimers, isConflict, repeat } from '@lead-flood/postgres';
import { placeInputs } from './batch.ts';
import type { FoldOutcome } from './fold.ts';
import { fold, toFoldInputs } from './fold.ts';
import type { AnyInput, BatchProcessor, Commands, Untyped } from './processor.ts';
import { untyped } from './processor.ts';
import type { Telemetry } from './telemetry.ts';

type Named<N extends string, D> = {
  readonly name: N;
  readonly key: string;
  readonly orgId: string;
  readonly correlationId: string;
  readonly data: D;
  /** Give the same id to make a repeat recognisable; a fresh one otherwise. */
  readonly id?: string;
};

/** A command of the processor's own table, with the data that its row takes. */
export type Command<C extends Commands> = { [N in keyof C & string]: Named<N, C[N]> }[keyof C & string];

export type Applied<S> = { readonly state: S; readonly key: string; readonly outcome: FoldOutcome<S> };

export type Applier<S, C extends Commands> = {
  /** Resolves after the commit. Throws `CodedError` with the decision's code when it is refused. */
  readonly apply: (command: Command<C>) => Promise<Applied<S>>;
};

export type ApplierDeps = {
  readonly database: Database;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly wakeRelay: () => void;
  readonly telemetry: Pick<Telemetry, 'outcome' | 'error'>;
};

/** Each of them waits for the commit of all: more would make the first of a burst wait for the last. */
const TOGETHER_MAX = 200;
/** Somebody waits for the answer: pauses of about 10, 20, .. 160 ms, a third of a second in all. */
const TRIES_MAX = 6;
/** Of those who share a transaction; after that each goes alone, so that one which always conflicts costs the others this. */
const TOGETHER_TRIES = 2;
const PAUSE = { first: 10, max: 320 };

type Waiting<S> = { event: AnyInput; resolve: (applied: Applied<S>) => void; reject: (error: unknown) => void };

export const createApplier = <S, R extends readonly Topic[], W extends readonly Topic[], F, C extends Commands>(
  processor: BatchProcessor<S, R, W, F, C>,
  deps: ApplierDeps,
): Applier<S, C> => createUntypedApplier(untyped(processor), deps);

export type UntypedApplier<S> = { readonly apply: (input: Named<string, unknown>) => Promise<Applied<S>> };

/** The same for whoever has inputs of any name: suites that put events through this door. */
export function createUntypedApplier<S, F>(processor: Untyped<S, F>, deps: ApplierDeps): UntypedApplier<S> {
  const waiting: Waiting<S>[] = [];
  let busy = false;

  async function drain(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      const together = waiting.splice(0, TOGETHER_MAX);
      try {
        settleAll(together, await commitWithRetry(processor, deps, together.map(eventOf), TOGETHER_TRIES));
      } catch (error) {
        // One of them may be the cause, whatever it is: alone, each gets its own answer, and a slow one keeps nobody.
        if (together.length > 1) await oneByOne(together);
        else if (isConflict(toError(error))) void retryAlone(together);
        else rejectAll(together, error);
      }
    }
    busy = false;
  }

  async function oneByOne(together: readonly Waiting<S>[]): Promise<void> {
    const conflicting: Waiting<S>[] = [];
    for (const w of together) {
      try {
        settleAll([w], await commitWithRetry(processor, deps, [w.event], 1));
      } catch (error) {
        if (isConflict(toError(error))) conflicting.push(w);
        else rejectAll([w], error);
      }
    }
    void retryAlone(conflicting);
  }

  /** Beside the door, one after the other: whoever comes meanwhile does not wait for these. */
  async function retryAlone(conflicting: readonly Waiting<S>[]): Promise<void> {
    for (const w of conflicting) {
      try {
        settleAll([w], await commitWithRetry(processor, deps, [w.event], TRIES_MAX));
      } catch (error) {
        rejectAll([w], error);
      }
    }
  }

  function settleAll(together: readonly Waiting<S>[], applied: readonly Applied<S>[]): void {
    deps.wakeRelay();
    processor.committed?.(together.map(eventOf));
    together.forEach((w, i) => {
      settle(processor.group, deps.telemetry, w, applied[i]);
    });
  }

  return {
    apply: (input) =>
      new Promise<Applied<S>>((resolve, reject) => {
        waiting.push({ event: toEvent(input, deps.clock.now()), resolve, reject });
        if (!busy) queueMicrotask(() => void (busy ? undefined : drain()));
      }),
  };
}

const eventOf = <S>(w: Waiting<S>): AnyInput => w.event;

function settle<S>(
  group: string,
  telemetry: ApplierDeps['telemetry'],
  w: Waiting<S>,
  applied: Applied<S> | undefined,
): void {
  invariant(applied !== undefined, 'every command has an outcome');
  const { outcome, reason, decision } = applied.outcome;
  telemetry.outcome(group, 'rest', outcome, reason);
  if (decision?.kind !== 'reject') w.resolve(applied);
  else {
    const refusal = new CodedError(decision.code, decision.detail);
    // A bug of ours, not a refusal: the door answers 500, and here stands where it is.
    if (decision.code === 'PRC_ERR_HANDLER_FAULT') telemetry.error(group, refusal, `deciding ${w.event.name} threw`);
    w.reject(refusal);
  }
}

function rejectAll<S>(together: readonly Waiting<S>[], error: unknown): void {
  for (const w of together) w.reject(error);
}

const toEvent = (input: Named<string, unknown>, now: number): AnyInput => ({
  name: input.name,
  id: input.id ?? randomId(),
  key: input.key,
  orgId: input.orgId,
  version: null,
  correlationId: input.correlationId,
  causationId: null,
  traceparent: activeTraceparent(),
  source: 'rest',
  publishedAt: now,
  data: input.data as AnyInput['data'],
});

async function commitWithRetry<S, F>(
  processor: Untyped<S, F>,
  deps: ApplierDeps,
  events: readonly AnyInput[],
  triesMax: number,
): Promise<readonly Applied<S>[]> {
  // Only what is certain to have left no trace is tried again: after a lost COMMIT the command may stand already.
  return repeat(() => commit(processor, deps, events), {
    mayPass: isConflict,
    triesMax,
    pauseMs: growingPauseMs(PAUSE),
  });
}

async function commit<S, F>(
  processor: Untyped<S, F>,
  deps: ApplierDeps,
  events: readonly AnyInput[],
): Promise<readonly Applied<S>[]> {
  return deps.database.transaction(async (tx) => {
    const placed = await placeInputs(processor, tx, events);
    const loaded = await processor.store.load(tx, [...new Set(placed.map((p) => p.key))]);
    await fault('processor.loaded');
    const folded = fold<S, F>(
      processor,
      deps.codec,
      toFoldInputs(processor, events, placed, { guarded: false }),
      loaded,
      deps.clock.now(),
    );
    await processor.store.save(tx, folded.saves);
    await insertOutbox(tx, folded.outbox);
    await insertTimers(tx, folded.timers);
    await fault('processor.outbox');
    return folded.outcomes.map((outcome, i) => ({ state: outcome.state, key: placed[i]?.key ?? '', outcome }));
  });
}
