/**
 * What a service writes to take part in the line: which topics it reads and writes, where its state lives, and one
 * pure function per event. The compiler refuses a table that misses an event of `reads` or emits one that `writes`
 * does not list.
 */
import type { EventName, Events, EventsOf, Topic } from '@lead-flood/contracts';
import type { Context, Decision, Event } from '@lead-flood/kernel';
import type { Queries, Saved, Stored } from '@lead-flood/postgres';

export type Inbound<N extends EventName = EventName> = { [K in N]: Event<K, Events[K]> }[N];

/** An event to publish: its topic follows from its name, its key from the topic. */
export type Outbound<N extends EventName = EventName> = { [K in N]: { readonly name: K; readonly data: Events[K] } }[N];

export type Out<W extends readonly Topic[]> = Outbound<EventsOf<W>>;

export const emit = <N extends EventName>(
  name: N,
  data: Events[N],
): { readonly name: N; readonly data: Events[N] } => ({ name, data });

/** Commands that come by REST only: name -> body. They pass through the same table as events. */
export type Commands = Record<string, unknown>;

export type Store<S> = {
  readonly load: (queries: Queries, keys: readonly string[]) => Promise<Map<string, Stored<S>>>;
  readonly save: (tx: Queries, rows: readonly Saved<S>[]) => Promise<void>;
};

/** Whose state an input changes, and what its decision knows besides. */
export type Placed<F> = { readonly key: string; readonly facts: F };

/** Any input: an event of a topic that is read, or a command. */
export type Input<R extends readonly Topic[], C extends Commands> =
  Inbound<EventsOf<R>> | { [K in keyof C & string]: Event<K, C[K]> }[keyof C & string];

export type DecideContext<F> = Context & { readonly facts: F };

export type Decide<S, R extends readonly Topic[], W extends readonly Topic[], F, C extends Commands> = {
  readonly [N in EventsOf<R>]: (state: S, event: Event<N, Events[N]>, ctx: DecideContext<F>) => Decision<S, Out<W>>;
} & {
  readonly [N in keyof C & string]: (state: S, command: Event<N, C[N]>, ctx: DecideContext<F>) => Decision<S, Out<W>>;
};

/**
 * How an input finds the state that it changes, and what its decision is told besides. Run in the transaction, before the
 * states are loaded, once for the whole batch; answers are in the order of the inputs.
 */
type Placing<R extends readonly Topic[], F, C extends Commands> =
  | {
      /** The state's key, where it is not the record's own. Pure. */
      readonly keyOf?: (input: Input<R, C>) => string;
      /** What decisions need besides the state: rules, suppressions. Reads only. */
      readonly facts?: (tx: Queries, inputs: readonly Input<R, C>[]) => Promise<readonly F[]>;
      readonly claim?: never;
    }
  | {
      /**
       * Both at once, for the few whose key the database has to find (identity, the best task for a caller): it may also
       * claim what it has found, by rows or locks that belong to the same transaction. Everybody else has `keyOf`.
       */
      readonly claim: (tx: Queries, inputs: readonly Input<R, C>[]) => Promise<readonly Placed<F>[]>;
      readonly keyOf?: never;
      readonly facts?: never;
    };

type Basics<S, R extends readonly Topic[], W extends readonly Topic[], F, C extends Commands> = Placing<R, F, C> & {
  /** Consumer group; also names the dead-letter and timer topics. */
  readonly group: string;
  readonly reads: R;
  readonly writes: W;
  readonly store: Store<S>;
  readonly initial: (key: string, orgId: string) => S;
};

export type BatchProcessor<
  S,
  R extends readonly Topic[],
  W extends readonly Topic[],
  F = undefined,
  C extends Commands = Record<never, never>,
> = Basics<S, R, W, F, C> & {
  /**
   * After a reject the key's later messages wait in `parked` instead of being decided, until somebody drains them: for
   * state machines, where what comes after a message that is missing makes no sense. Other keys are unhurt.
   */
  readonly parks?: true;
  readonly decide: Decide<S, R, W, F, C>;
  /** Told after each commit of what it has decided: for figures in memory (freshness). A crash may come before. */
  readonly committed?: (inputs: readonly Input<R, C>[]) => void;
};

/** What an outside call is given: stop when told, and the key by which the other side can recognise a repeat. */
export type StepContext = { readonly signal: AbortSignal; readonly idempotencyKey: string };

/** Journalled outside calls; see step.ts. */
export type Step = {
  <T>(name: string, call: (ctx: StepContext) => Promise<T>): Promise<T>;
  readonly once: <T>(
    name: string,
    call: (ctx: StepContext) => Promise<T>,
  ) => Promise<{ readonly known: true; readonly value: T } | { readonly known: false }>;
};

/** What is done outside for one kind of event. */
export type Performance<S, N extends EventName, P, F = undefined> = {
  /**
   * After this long the call is given up. A member that leaves waits as long for its calls; where that is longer than the
   * rebalance timeout (libs/kafka: 20 s) the others go on without it, and what it has not committed is theirs.
   */
  readonly deadlineMs: number;
  /** `facts` are as they stood when the call began; the decision is told them anew. */
  readonly call: (state: S, event: Event<N, Events[N]>, step: Step, facts: F) => Promise<P>;
};

export type EffectProcessor<
  S,
  R extends readonly Topic[],
  W extends readonly Topic[],
  P,
  F = undefined,
  C extends Commands = Record<never, never>,
> = Basics<S, R, W, F, C> & {
  /** The only place where the outside world is touched; `null` where an event needs nothing from it. */
  readonly perform: {
    readonly [N in EventsOf<R>]: Performance<S, N, P, F> | null;
  };
  readonly decide: {
    readonly [N in EventsOf<R>]: (
      state: S,
      event: Event<N, Events[N]>,
      ctx: DecideContext<F>,
      result: P | null,
    ) => Decision<S, Out<W>>;
  } & {
    readonly [N in keyof C & string]: (state: S, command: Event<N, C[N]>, ctx: DecideContext<F>) => Decision<S, Out<W>>;
  };
  /** What becomes of an input whose every try failed; a dead letter is written beside it. */
  readonly onExhausted: {
    readonly [N in EventsOf<R>]?: (state: S, event: Event<N, Events[N]>, ctx: DecideContext<F>) => Decision<S, Out<W>>;
  };
  /** How many messages may be with the outside world at once, over all keys. */
  readonly inFlightMax: number;
};

/** The shells' view of any processor: its types are left out once, by `untyped`, where the tables have been checked. */
export type AnyInput = Event<string, { readonly orgId?: string }>;
export type AnyDecision<S> = Decision<S, Outbound>;
export type Untyped<S = unknown, F = unknown> = {
  readonly group: string;
  readonly parks?: true;
  readonly reads: readonly Topic[];
  readonly writes: readonly Topic[];
  readonly store: Store<S>;
  readonly initial: (key: string, orgId: string) => S;
  readonly keyOf?: (input: AnyInput) => string;
  readonly facts?: (tx: Queries, inputs: readonly AnyInput[]) => Promise<readonly F[]>;
  readonly claim?: (tx: Queries, inputs: readonly AnyInput[]) => Promise<readonly Placed<F>[]>;
  readonly committed?: (inputs: readonly AnyInput[]) => void;
  readonly decide: Readonly<
    Record<string, (state: S, input: AnyInput, ctx: DecideContext<F>, result?: unknown) => AnyDecision<S>>
  >;
};

/** A processor ready to be started or applied to. The casts are sound: the tables were checked against the generics. */
export const untyped = <S, R extends readonly Topic[], W extends readonly Topic[], F, C extends Commands>(
  processor: BatchProcessor<S, R, W, F, C>,
): Untyped<S, F> => processor as unknown as Untyped<S, F>;
