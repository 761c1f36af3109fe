/**
 * Given / when / then for a processor's pure decisions: no broker, no database, no mocks. Time and facts come in with
 * the message.
 */
import { expect } from 'vitest';
import type { EventName, Events, EventsOf, Topic } from '@lead-flood/contracts';
import type { Decision } from '@lead-flood/kernel';
import { derivedId, randomId } from '@lead-flood/kernel';
import { untyped, untypedEffect } from '@lead-flood/processor';
import type { AnyInput, BatchProcessor, Commands, EffectProcessor, Outbound, Untyped } from '@lead-flood/processor';

export type When<S> = {
  readonly decision: Decision<S, Outbound>;
  /** Emits exactly these events, each matching at least the given fields. */
  readonly thenEmits: (
    ...expected: readonly { readonly [N in EventName]: { name: N; data: Partial<Events[N]> } }[EventName][]
  ) => When<S>;
  readonly thenEmitsNothing: () => When<S>;
  readonly thenState: (expected: Partial<S>) => When<S>;
  readonly thenSkips: (reason: string) => void;
  readonly thenRejects: (code: string) => void;
};

type Options = { readonly id?: string; readonly version?: number; readonly result?: unknown };

/** What a processor's table decides on: the events of its topics and its commands, each with the data of its row. */
type Decided<R extends readonly Topic[], C extends Commands> = Pick<Events, EventsOf<R>> &
  (string extends keyof C ? unknown : C);

export type Given<S, D> = {
  readonly when: <N extends keyof D & string>(name: N, data: D[N], options?: Options) => When<S>;
};

export const testNow = Date.parse('2026-03-02T10:00:00Z');

/** `specify(processor, facts).given(state).when('LeadEnriched', {...}).thenEmits({...})` */
export const specify = <S, R extends readonly Topic[], W extends readonly Topic[], F, C extends Commands>(
  processor: BatchProcessor<S, R, W, F, C>,
  facts: NoInfer<F>,
  now = testNow,
): Specification<S, Decided<R, C>> => specifyTable(untyped(processor), facts, now);

/** The same for an effect processor; what the outside answered goes into the options as `result`. */
export const specifyEffect = <S, R extends readonly Topic[], W extends readonly Topic[], P, F>(
  processor: EffectProcessor<S, R, W, P, F>,
  facts: NoInfer<F>,
  now = testNow,
): Specification<S, Pick<Events, EventsOf<R>>> => specifyTable(untypedEffect(processor) as Table<S, F>, facts, now);

type Table<S, F> = Pick<Untyped<S, F>, 'decide' | 'group' | 'initial'>;

export type Specification<S, D> = {
  /** A state as it is. */
  readonly given: (state: S) => Given<S, D>;
  /** The state that these inputs lead to, from the beginning. */
  readonly givenInputs: (...inputs: readonly InputOf<D>[]) => Given<S, D>;
};

/** One row's name and data. */
export type InputOf<D> = { [N in keyof D & string]: readonly [name: N, data: D[N]] }[keyof D & string];

function specifyTable<S, F, D>(
  { group, initial, decide: table }: Table<S, F>,
  facts: F,
  now: number,
): Specification<S, D> {
  const decide = (state: S, name: string, data: unknown, options: Options = {}): Decision<S, Outbound> => {
    const handler = table[name];
    if (handler === undefined) throw new Error(`${group} has no decision for ${name}`);
    const event = toEvent(name, data, options, now);
    return handler(state, event, { now, facts, id: (n) => derivedId(event.id, group, n) }, options.result);
  };
  const given = (state: S): Given<S, D> => ({
    when: (name, data, options) => verdict(decide(state, name, data, options)),
  });
  return {
    given,
    givenInputs: (...inputs) =>
      given(
        inputs.reduce<S>(
          (current, [name, data]) => {
            const decision = decide(current, name, data);
            return decision.kind === 'apply' ? decision.state : current;
          },
          initial(randomId(), randomId()),
        ),
      ),
  };
}

const toEvent = (name: string, data: unknown, options: { id?: string; version?: number }, now: number): AnyInput => ({
  name,
  id: options.id ?? randomId(),
  key: 'key',
  orgId: (data as { orgId?: string }).orgId ?? '',
  version: options.version ?? 1,
  correlationId: 'correlation',
  causationId: null,
  traceparent: null,
  source: 'test',
  publishedAt: now,
  data: data as AnyInput['data'],
});

function verdict<S>(decision: Decision<S, Outbound>): When<S> {
  const applied = (): Extract<typeof decision, { kind: 'apply' }> => {
    if (decision.kind !== 'apply') throw new Error(`expected apply, got ${JSON.stringify(decision)}`);
    return decision;
  };
  const self: When<S> = {
    decision,
    thenEmits: (...expected) => {
      expect(applied().emit).toMatchObject(expected);
      expect(applied().emit).toHaveLength(expected.length);
      return self;
    },
    thenEmitsNothing: () => {
      expect(applied().emit).toEqual([]);
      return self;
    },
    thenState: (expected) => {
      expect(applied().state).toMatchObject(expected as object);
      return self;
    },
    thenSkips: (reason) => {
      expect(decision).toEqual({ kind: 'skip', reason });
    },
    thenRejects: (code) => {
      expect(decision).toMatchObject({ kind: 'reject', code });
    },
  };
  return self;
}
