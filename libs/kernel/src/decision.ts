/**
 * What a handler may answer to a message. The outcome is a value, never an exception: a thrown error means
 * that the machinery (network, database) failed and that the same input must be tried again.
 */

/** A closed, low-cardinality word that says why nothing was done; it becomes a metric label. */
export type SkipCode = Lowercase<string>;

/** A code of a service's closed error table, e.g. `SCR_ERR_UNKNOWN_RULE`. */
export type ErrorCode = `${Uppercase<string>}_ERR_${Uppercase<string>}`;

/** An event to publish later, on its own topic. It carries no version: by then newer ones may have been published. */
export type Timer<O> = { readonly dueAt: number; readonly event: O };

export type Apply<S, O> = {
  readonly kind: 'apply';
  readonly state: S;
  readonly emit: readonly O[];
  readonly timers: readonly Timer<O>[];
};
export type Skip = { readonly kind: 'skip'; readonly reason: SkipCode };
export type Reject = { readonly kind: 'reject'; readonly code: ErrorCode; readonly detail: string };

export type Decision<S, O> = Apply<S, O> | Skip | Reject;

/** The state moves on and `emit` is published, both in the same transaction. */
export const apply = <S, O>(state: S, emit: readonly O[] = [], timers: readonly Timer<O>[] = []): Apply<S, O> => ({
  kind: 'apply',
  state,
  emit,
  timers,
});

/** Nothing to do, and that is fine: counted by reason. */
export const skip = (reason: SkipCode): Skip => ({ kind: 'skip', reason });

/** This message can never be processed: it goes to the dead letters with the code. */
export const reject = (code: ErrorCode, detail: string): Reject => ({ kind: 'reject', code, detail });
