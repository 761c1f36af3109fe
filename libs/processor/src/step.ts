/**
 * `step(name, call)`: an outside call whose answer is stored before it is used, so that a replay does not make it (and
 * pay for it) again. `step.once(name, call)` is for calls that must never happen twice and whose other side cannot
 * recognise a repeat: the beginning is stored too, and a beginning without an end is answered with "unknown".
 *
 *                     ┌──────────────── answer stored ───────────────▶ value
 *   step ─────────────┤
 *                     └─ nothing stored ─▶ call ─▶ store answer ─────▶ value
 *
 *                     ┌──────────────── answer stored ───────────────▶ known value
 *   step.once ────────┼─ begun by another, deadline not over ────────▶ TransientError (look again later)
 *                     ├─ begun by another, deadline over ────────────▶ unknown
 *                     └─ nothing stored ─▶ store begin ─▶ call ─┬─ ok ────────▶ store answer ─▶ known value
 *                                                               ├─ not sent ──▶ forget begin ─▶ TransientError
 *                                                               └─ in doubt ─────────────────▶ unknown
 */
import { derivedId, fault, InvariantError, TransientError } from '@lead-flood/kernel';
import type { JournalWriter, KnownEntry } from '@lead-flood/postgres';
import type { Step, StepContext } from './processor.ts';

export type StepDeps = {
  readonly journal: JournalWriter;
  readonly messageId: string;
  readonly group: string;
  readonly signal: AbortSignal;
  /** What earlier tries of this message have left. */
  readonly known: readonly KnownEntry[];
  readonly deadlineMs: number;
  readonly now: () => number;
};

/** How far a call that must happen at most once has come. */
type Progress<T> = { called: boolean; answer: { readonly value: T } | null };

export function createStep(deps: StepDeps): Step {
  const known = new Map(deps.known.map((entry) => [entry.step, entry]));
  const context = (name: string): StepContext => ({
    signal: deps.signal,
    idempotencyKey: derivedId(deps.messageId, deps.group, 'step', name),
  });

  async function perform<T>(name: string, call: (ctx: StepContext) => Promise<T>): Promise<T> {
    deps.signal.throwIfAborted();
    await fault(`step.${name}.before`);
    const value = await call(context(name));
    await fault(`step.${name}.called`);
    await deps.journal.finish(deps.messageId, name, JSON.stringify(value ?? null));
    await fault(`step.${name}.stored`);
    return value;
  }

  async function step<T>(name: string, call: (ctx: StepContext) => Promise<T>): Promise<T> {
    const entry = known.get(name);
    return entry?.done === true ? (JSON.parse(entry.answer ?? 'null') as T) : perform(name, call);
  }

  async function once<T>(
    name: string,
    call: (ctx: StepContext) => Promise<T>,
  ): Promise<{ known: true; value: T } | { known: false }> {
    const entry = known.get(name);
    if (entry?.done === true) return { known: true, value: JSON.parse(entry.answer ?? 'null') as T };
    if (entry !== undefined) {
      const restMs = entry.startedAt + deps.deadlineMs - deps.now();
      if (restMs > 0)
        throw new TransientError('PRC_ERR_STEP_IN_DOUBT', `${name} may be under way elsewhere`, {
          retryAfterMs: restMs,
        });
      return { known: false };
    }
    deps.signal.throwIfAborted();
    const isFree = await deps.journal.begin(deps.messageId, name);
    if (!isFree) {
      throw new TransientError('PRC_ERR_STEP_IN_DOUBT', `${name} was begun elsewhere`, {
        retryAfterMs: deps.deadlineMs,
      });
    }
    const progress: Progress<T> = { called: false, answer: null };
    try {
      const value = await perform(name, async (ctx) => {
        progress.called = true;
        const given = await call(ctx);
        progress.answer = { value: given };
        return given;
      });
      return { known: true, value };
    } catch (error) {
      return await afterFault(deps, name, error, progress);
    }
  }

  return Object.assign(step, { once });
}

/** The call has an answer that could not be stored; or it failed and certainly did nothing; or nobody can tell. */
async function afterFault<T>(
  { journal, messageId }: StepDeps,
  name: string,
  error: unknown,
  { called, answer }: Progress<T>,
): Promise<{ known: true; value: T } | { known: false }> {
  if (error instanceof InvariantError) throw error;
  // The beginning stays in the journal: should we die before the commit, the replay finds "unknown" and does not call.
  if (answer !== null) return { known: true, value: answer.value };
  if (called && (!(error instanceof TransientError) || error.ambiguous)) return { known: false };
  await journal.forget(messageId, name);
  throw error;
}
