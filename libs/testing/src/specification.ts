/**
 * Given / when / then for a processor's pure decisions: no broker, no database, no mocks. Time and facts come in with
 * the message.
 */
import { expect } from 'vitest';
import type { EventName, Events } from '@lead-flood/contracts';
import type { Decision } from '@lead-flood/kernel';
import { derivedId, randomId } from '@lead-flood/kernel';
import type { AnyInput, Erased, Outbound } from '@lead-flood/processor';

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

export type Given<S> = {
  readonly when: (
    name: string,
    data: unknown,
    options?: { id?: string; version?: number; result?: unknown },
  ) => When<S>;
};

export const testNow = Date.parse('2026-03-02T10:00:00Z');

/** `specify(erase(processor)).given(state).when('LeadEnriched', {...}).thenEmits({...})` */
export function specify<S, F>(processor: Pick<Erased<S, F>, 'decide' | 'group' | 'initial'>, facts: F, now = testNow) {
  const decide = (
    state: S,
    name: string,
    data: unknown,
    options: { id?: string; version?: number; result?: unknown } = {},
  ): Decision<S, Outbound> => {
    const handler = processor.decide[name];
    if (handler === undefined) throw new Error(`${processor.group} has no decision for ${name}`);
    const event = toEvent(name, data, options, now);
    return handler(state, event, { now, facts, id: (n) => derivedId(event.id, processor.group, n) }, options.result);
  };
  const when = (state: S, name: string, data: unknown, options = {}): When<S> =>
    verdict(decide(state, name, data, options));
  return {
    /** A state as it is. */
    given: (state: S): Given<S> => ({ when: (name, data, options) => when(state, name, data, options) }),
    /** The state that these inputs lead to, from the beginning. */
    givenInputs: (...inputs: readonly (readonly [string, unknown])[]): Given<S> => {
      const state = inputs.reduce<S>(
        (current, [name, data]) => {
          const decision = decide(current, name, data);
          return decision.kind === 'apply' ? decision.state : current;
        },
        processor.initial(randomId(), randomId()),
      );
      return { when: (name, data, options) => when(state, name, data, options) };
    },
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
