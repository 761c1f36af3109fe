/**
 * A run: work of minutes or hours as one short message after the other, so that it can be cancelled between any two of
 * them, survives every crash, and holds nobody up.
 *
 *   none ──requested──▶ running ──page n──▶ running ──the last page──▶ ended: completed
 *                          │  ▲                │
 *                          │  └──── retry ─────┼── every try failed ─▶ ended: failed (the cursor stays)
 *                          └────── cancel, then the next message ────▶ ended: cancelled
 *
 * The run asks itself for its next page by an event on its own topic; the page is fetched in `perform`, its answer
 * journalled by its step; what it means is decided, purely. Every change is told as a job (`JobChanged`).
 *
 * The four functions are rows of an ordinary effect processor's tables: see chapter 21 of the manual.
 */
import type { JobChanged } from '@lead-flood/contracts';
import { z } from 'zod';
import type { Context, Decision } from '@lead-flood/kernel';
import { apply, invariant, skip } from '@lead-flood/kernel';
import type { Step } from './processor.ts';

export type RunOutcome = 'completed' | 'failed' | 'cancelled';

/** `C`: where the next page begins. `T`: what has been counted so far. Both are stored as JSON. */
export type RunState<C, T> =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'running';
      /** The page that is asked for now, from 1. */
      readonly page: number;
      readonly cursor: C;
      readonly tally: T;
      readonly isCancelled: boolean;
      /** How often it was begun. */
      readonly attempts: number;
    }
  | {
      readonly kind: 'ended';
      readonly outcome: RunOutcome;
      readonly page: number;
      readonly cursor: C;
      readonly tally: T;
      readonly attempts: number;
      readonly error: string | null;
    };

type Running<C, T> = Extract<RunState<C, T>, { kind: 'running' }>;
type Ended<C, T> = Extract<RunState<C, T>, { kind: 'ended' }>;

export const initialRun: { readonly kind: 'none' } = { kind: 'none' };

/** The schema of a run's row. */
export function runState<C, T>(cursor: z.ZodType<C>, tally: z.ZodType<T>): z.ZodType<RunState<C, T>> {
  const common = { page: z.int(), cursor, tally, attempts: z.int() };
  return z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('none') }),
    z.object({ kind: z.literal('running'), ...common, isCancelled: z.boolean() }),
    z.object({
      kind: z.literal('ended'),
      ...common,
      outcome: z.enum(['completed', 'failed', 'cancelled']),
      error: z.string().nullable(),
    }),
  ]) as z.ZodType<RunState<C, T>>;
}

/** Which run, and so which job. */
export type RunAt = { readonly orgId: string; readonly runId: string };

export type RunPlan<C, P, T, O> = {
  /** Group of the processor; who hears of it when the job is to be cancelled or tried again. */
  readonly group: string;
  /** Type of the job, as clients see it. */
  readonly job: string;
  /** A run that asks for more pages is ended as failed: a source that never ends must not run for ever. */
  readonly pagesMax: number;
  /** Fetches one page; each call outside is a `step`. */
  readonly fetch: (cursor: C, step: Step) => Promise<P>;
  /** What a page means: the events that follow, and where the next one begins; null after the last. Pure. */
  readonly read: (tally: T, page: P, at: RunAt, ctx: Context) => PageRead<C, T, O>;
  /** For the job: pieces done and refused, and in all as far as that is known. */
  readonly count: (tally: T) => { readonly done: number; readonly refused: number; readonly total: number | null };
  /** The run's message to itself. */
  readonly ask: (at: RunAt, page: number, now: number) => O;
  /** What the rest of the product hears of its end. */
  readonly ended: (at: RunAt, end: RunEnd<T>, now: number) => O;
};

export type PageRead<C, T, O> = { readonly tally: T; readonly next: C | null; readonly emit: readonly O[] };

export type RunEnd<T> = {
  readonly outcome: RunOutcome;
  /** Pages that were fetched. */
  readonly pages: number;
  readonly tally: T;
  readonly error: string | null;
};

export type JobTold = { readonly name: 'JobChanged'; readonly data: JobChanged };
type Decided<C, T, O> = Decision<RunState<C, T>, O | JobTold>;

export type Run<C, P, T, O> = {
  readonly begin: (state: RunState<C, T>, at: RunAt, start: { cursor: C; tally: T }, ctx: Context) => Decided<C, T, O>;
  /** For `perform`. */
  readonly fetch: (state: RunState<C, T>, page: number, step: Step) => Promise<Fetched<P>>;
  readonly turn: (state: RunState<C, T>, at: RunAt, asked: Asked<P>, ctx: Context) => Decided<C, T, O>;
  /** For `onExhausted`: every try of the page failed. */
  readonly fail: (state: RunState<C, T>, at: RunAt, page: number, error: string, ctx: Context) => Decided<C, T, O>;
  readonly cancel: (state: RunState<C, T>, asked: { readonly owner: string }) => Decided<C, T, O>;
  readonly retry: (state: RunState<C, T>, at: RunAt & { readonly owner: string }, ctx: Context) => Decided<C, T, O>;
};

/** Null where the page was not to be fetched any more. */
export type Fetched<P> = { readonly page: P | null };
type Asked<P> = { readonly page: number; readonly result: Fetched<P> | null };

/** Callers give the event as it came; only this of it goes on into the run's own. */
const whichOf = ({ orgId, runId }: RunAt): RunAt => ({ orgId, runId });

/** Where a run goes from here, with what is told of it: its job always, its end where it ends. */
function createMoves<C, P, T, O>(plan: RunPlan<C, P, T, O>) {
  const tell = (at: RunAt, state: Running<C, T> | Ended<C, T>, now: number): JobTold => ({
    name: 'JobChanged',
    data: {
      orgId: at.orgId,
      jobId: at.runId,
      type: plan.job,
      status: state.kind === 'running' ? 'running' : state.outcome,
      leadId: null,
      error: state.kind === 'running' ? null : state.error,
      owner: plan.group,
      ...plan.count(state.tally),
      attempts: state.attempts,
      retryable: state.kind === 'ended' && state.outcome === 'failed',
      changedAt: now,
    },
  });

  /** On to the page that `state` asks for. */
  const goOn = (at: RunAt, state: Running<C, T>, emit: readonly O[], now: number): Decided<C, T, O> =>
    apply<RunState<C, T>, O | JobTold>(state, [...emit, tell(at, state, now), plan.ask(at, state.page, now)]);

  const end = (
    at: RunAt,
    { page, cursor, tally, attempts }: Running<C, T>,
    how: { outcome: RunOutcome; error?: string; pages: number; emit?: readonly O[] },
    now: number,
  ): Decided<C, T, O> => {
    const { outcome, error = null, pages, emit = [] } = how;
    const state: Ended<C, T> = { kind: 'ended', outcome, page, cursor, tally, attempts, error };
    return apply<RunState<C, T>, O | JobTold>(state, [
      ...emit,
      plan.ended(at, { outcome, pages, tally, error }, now),
      tell(at, state, now),
    ]);
  };

  return { goOn, end };
}

export function createRun<C, P, T, O>(plan: RunPlan<C, P, T, O>): Run<C, P, T, O> {
  const { goOn, end } = createMoves(plan);
  return {
    begin: (state, at, { cursor, tally }, { now }) => {
      if (state.kind !== 'none') return skip('known');
      return goOn(whichOf(at), { kind: 'running', page: 1, cursor, tally, isCancelled: false, attempts: 1 }, [], now);
    },
    fetch: async (state, page, step) => ({
      page: isDue(state, page) && !state.isCancelled ? await plan.fetch(state.cursor, step) : null,
    }),
    turn: (state, asker, { page, result }, ctx) => {
      if (!isDue(state, page)) return skip('overtaken');
      const at = whichOf(asker);
      const fetched = result?.page ?? null;
      if (fetched === null) {
        // Nothing else keeps a page that is due from being fetched.
        invariant(state.isCancelled, `page ${page} of run ${at.runId} was not fetched`);
        return end(at, state, { outcome: 'cancelled', pages: page - 1 }, ctx.now);
      }
      // What was fetched is paid for, so it counts, also when somebody has cancelled meanwhile.
      const { tally, next, emit } = plan.read(state.tally, fetched, at, ctx);
      const read = { ...state, tally };
      if (next === null) return end(at, read, { outcome: 'completed', pages: page, emit }, ctx.now);
      const ahead = { ...read, page: page + 1, cursor: next };
      if (state.isCancelled) return end(at, ahead, { outcome: 'cancelled', pages: page, emit }, ctx.now);
      if (page >= plan.pagesMax) {
        const error = `no end after ${plan.pagesMax} pages`;
        return end(at, ahead, { outcome: 'failed', error, pages: page, emit }, ctx.now);
      }
      return goOn(at, ahead, emit, ctx.now);
    },
    fail: (state, at, page, error, { now }) =>
      isDue(state, page)
        ? end(whichOf(at), state, { outcome: 'failed', error, pages: page - 1 }, now)
        : skip('overtaken'),
    cancel: (state, { owner }) => {
      if (owner !== plan.group) return skip('not_ours');
      // The message that is under way ends it: two that asked for the same page would both go on.
      return state.kind === 'running' && !state.isCancelled
        ? apply<RunState<C, T>, O | JobTold>({ ...state, isCancelled: true })
        : skip('not_running');
    },
    retry: (state, { owner, ...asker }, { now }) => {
      if (owner !== plan.group) return skip('not_ours');
      if (state.kind !== 'ended' || state.outcome !== 'failed') return skip('not_failed');
      const { page, cursor, tally, attempts } = state;
      const again = { kind: 'running', page, cursor, tally, isCancelled: false, attempts: attempts + 1 } as const;
      return goOn(whichOf(asker), again, [], now);
    },
  };

  function isDue(state: RunState<C, T>, page: number): state is Running<C, T> {
    return state.kind === 'running' && state.page === page;
  }
}
