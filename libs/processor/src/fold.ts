/**
 * The heart: decisions folded over a working set of states, without I/O. The batch shell, the effect runner and REST
 * commands all pass through here, so a fact has one way in.
 *
 * Version guard: every event carries the count of its aggregate's events. One that is not newer than the last applied
 * from that source (and record key) is a repeat of the relay or the broker, and is dropped.
 */
import type { Decision, Reject } from '@lead-flood/kernel';
import { derivedId, invariant, InvariantError, toError } from '@lead-flood/kernel';
import type { Codec } from '@lead-flood/kafka';
import type { OutboxMessage, Saved, Stored, TimerMessage } from '@lead-flood/postgres';
import { encodeEvent } from './encode.ts';
import type { AnyDecision, AnyInput, DecideContext, Untyped, Outbound, Placed } from './processor.ts';
import type { Outcome } from './telemetry.ts';

export type FoldInput<F> = {
  readonly event: AnyInput;
  readonly placed: Placed<F>;
  /** Redeliveries come late by design: their version says nothing. */
  readonly guarded: boolean;
  readonly decide: (state: never, ctx: DecideContext<F>) => AnyDecision<unknown>;
};

/** Each event with its facts and its row of the table. */
export const toFoldInputs = <S, F>(
  { group, decide: table }: Pick<Untyped<S, F>, 'group' | 'decide'>,
  events: readonly AnyInput[],
  placed: readonly Placed<F>[],
  { guarded }: Pick<FoldInput<F>, 'guarded'>,
): FoldInput<F>[] =>
  events.map((event, i) => {
    const decide = table[event.name];
    const facts = placed[i];
    invariant(decide !== undefined && facts !== undefined, `${group} has no decision for ${event.name}`);
    return { event, placed: facts, guarded, decide: (state, ctx) => decide(state, event, ctx) };
  });

export type FoldOutcome<S> = {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly decision: Decision<S, Outbound> | null;
  /** The state after this input. */
  readonly state: S;
  /** It waits in `parked`: it was rejected and its key is set aside, or its key was already. */
  readonly parks?: true;
};

export type Folded<S> = {
  readonly saves: readonly Saved<S>[];
  readonly outbox: readonly OutboxMessage[];
  readonly timers: readonly TimerMessage[];
  /** One per input, in the order given. */
  readonly outcomes: readonly FoldOutcome<S>[];
};

type Working<S> = {
  state: S;
  readonly revision: number;
  published: number;
  seen: Record<string, number>;
  readonly orgId: string;
  readonly passed: S[];
};

export function fold<S, F>(
  processor: Pick<Untyped<S, F>, 'group' | 'initial' | 'parks'>,
  codec: Pick<Codec, 'encode'>,
  inputs: readonly FoldInput<F>[],
  loaded: ReadonlyMap<string, Stored<S>>,
  now: number,
  parkedKeys: ReadonlySet<string> = new Set(),
): Folded<S> {
  const parked = new Set(parkedKeys);
  const working = new Map<string, Working<S>>();
  const outbox: OutboxMessage[] = [];
  const timers: TimerMessage[] = [];
  const outcomes = inputs.map((input): FoldOutcome<S> => {
    const { event, placed } = input;
    const row = workingRow(working, loaded, processor, placed.key, event.orgId);
    if (row.orgId !== event.orgId) return decideForForeigner(processor, input, now);
    if (input.guarded && isRepeat(row.seen, event, placed.key)) {
      return { outcome: 'duplicate', reason: 'version', decision: null, state: row.state };
    }
    if (parked.has(placed.key)) return { outcome: 'parked', reason: '', decision: null, state: row.state, parks: true };
    const decision = decideSafely(input, row.state, {
      now,
      facts: placed.facts,
      id: (n) => derivedId(event.id, processor.group, n),
    }) as Decision<S, Outbound>;
    if (decision.kind === 'skip') return { outcome: 'skipped', reason: decision.reason, decision, state: row.state };
    if (decision.kind === 'reject') {
      const rejected = { outcome: 'rejected', reason: decision.code, decision, state: row.state } as const;
      if (processor.parks !== true) return rejected;
      parked.add(placed.key);
      return { ...rejected, parks: true };
    }
    row.state = decision.state;
    row.passed.push(decision.state);
    if (event.version !== null) rememberVersion(row.seen, event, placed.key, event.version);
    decision.emit.forEach((out, ordinal) => {
      row.published += 1;
      outbox.push(encodeEvent(codec, out, { cause: event, group: processor.group, ordinal, version: row.published }));
    });
    decision.timers.forEach((timer, ordinal) => {
      const message = encodeEvent(codec, timer.event, {
        cause: event,
        group: processor.group,
        ordinal: `timer-${ordinal}`,
        version: null,
      });
      timers.push({ ...message, id: derivedId(event.id, processor.group, 'timer', ordinal), dueAt: timer.dueAt });
    });
    return { outcome: 'applied', reason: '', decision, state: row.state };
  });
  const saves = [...working].filter(([, row]) => row.passed.length > 0).map(([key, row]) => ({ key, ...row }));
  return { saves, outbox, timers, outcomes };
}

function workingRow<S, F>(
  working: Map<string, Working<S>>,
  loaded: ReadonlyMap<string, Stored<S>>,
  processor: Pick<Untyped<S, F>, 'initial'>,
  key: string,
  orgId: string,
): Working<S> {
  const present = working.get(key);
  if (present !== undefined) return present;
  const stored = loaded.get(key);
  const row: Working<S> =
    stored === undefined
      ? { state: processor.initial(key, orgId), revision: 0, published: 0, seen: {}, orgId, passed: [] }
      : { ...stored, seen: { ...stored.seen }, passed: [] };
  working.set(key, row);
  return row;
}

/**
 * Another organisation's row is not there for this one: the decision sees the initial state, so that a foreign id is
 * answered like an unknown one, and what it would write is refused.
 */
function decideForForeigner<S, F>(
  processor: Pick<Untyped<S, F>, 'group' | 'initial'>,
  input: FoldInput<F>,
  now: number,
): FoldOutcome<S> {
  const { event, placed } = input;
  const state = processor.initial(placed.key, event.orgId);
  const decided = decideSafely(input, state, {
    now,
    facts: placed.facts,
    id: (n) => derivedId(event.id, processor.group, n),
  });
  if (decided.kind === 'skip') return { outcome: 'skipped', reason: decided.reason, decision: decided, state };
  const decision: Reject =
    decided.kind === 'reject'
      ? decided
      : { kind: 'reject', code: 'PRC_ERR_FOREIGN_ORG', detail: 'the row belongs to another organisation' };
  return { outcome: 'rejected', reason: decision.code, decision, state };
}

/** A writer's versions are counted per record key; where that is not our state's key, the two must not be mixed. */
const guardKey = (event: AnyInput, stateKey: string): string =>
  event.key === stateKey ? event.source : `${event.source}/${event.key}`;

/** Whether the writer's own count says that this has been decided before. */
export const isRepeat = (seen: Readonly<Record<string, number>>, event: AnyInput, stateKey: string): boolean =>
  event.version !== null && event.version <= (seen[guardKey(event, stateKey)] ?? 0);

function rememberVersion(seen: Record<string, number>, event: AnyInput, stateKey: string, version: number): void {
  const key = guardKey(event, stateKey);
  seen[key] = Math.max(version, seen[key] ?? 0);
}

/** A handler that throws is a bug of that handler: its message is set aside, the others go on. */
function decideSafely<F>(input: FoldInput<F>, state: unknown, ctx: DecideContext<F>): AnyDecision<unknown> {
  try {
    return input.decide(state as never, ctx);
  } catch (thrown) {
    if (thrown instanceof InvariantError) throw thrown;
    const error = toError(thrown);
    return { kind: 'reject', code: 'PRC_ERR_HANDLER_FAULT', detail: where(error) };
  }
}

/** The kind of error and its place; never its text, which may quote what the message says of a person. */
export function where(error: Error): string {
  const frame = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at ')) ?? '';
  return `${error.name} ${frame.trim().replace(/\(?file:\/\/.*\//, '(')}`.trim();
}
