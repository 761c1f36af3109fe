/**
 * The calls under way: from a place among the few that may run at once to an end.
 *
 *   [ queue ] ─take, while places are free─▶ starting ─facts, states, journal: read once for all─▶ perform ─▶ finished
 *                                               └─ refused or ignored: nothing to ask ──────────────────────▶ finished
 *
 * Every call has a deadline, after which nobody waits for it any more; what it still does is not seen (deadline.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { InvariantError, TransientError } from '@lead-flood/kernel';
import type { Database, KnownEntry, Stored } from '@lead-flood/postgres';
import { classify, createJournalWriter, readJournal } from '@lead-flood/postgres';
import { placeInputs } from './batch.ts';
import { orAborted } from './deadline.ts';
import type { DecodedInput } from './decode.ts';
import { isPassed, isRefused } from './decode.ts';
import type { UntypedEffect, Finished } from './effect-commit.ts';
import { failure } from './effect-failure.ts';
import type { Lifecycle } from './effect-lifecycle.ts';
import type { KeyQueue } from './effect-queue.ts';
import { enter } from './effect-state.ts';
import type { Item, Tracker } from './effect-tracker.ts';
import { createPacer } from './pacer.ts';
import type { AnyInput, Step } from './processor.ts';
import type { ShellDeps } from './shell.ts';
import type { StepDeps } from './step.ts';
import { createStep } from './step.ts';

export type UntypedEffectProcessor = UntypedEffect & {
  readonly perform: Readonly<Record<string, AnyPerformance | null>>;
  readonly inFlightMax: number;
};

export type AnyPerformance = {
  readonly deadlineMs: number;
  readonly call: (state: never, event: AnyInput, step: Step, facts: unknown) => Promise<unknown>;
};

export type Calls = {
  /** A message has come or a place is free: starts what may start, soon. */
  readonly requestStart: () => void;
  readonly count: () => number;
  readonly some: (matches: (tracker: Tracker) => boolean) => boolean;
};

export type CallsParts = {
  readonly queue: KeyQueue;
  readonly lifecycle: Lifecycle;
  readonly onFinished: (finished: Finished) => void;
};

/** Nothing was asked yet: trying so often costs a database that is away nothing, and its return is noticed at once. */
const START_RETRY_MS = 200;

type Call = { readonly key: string; readonly item: Item; readonly input: DecodedInput };

/** What a call is handed of our own: whose state it asks for, that state, and what earlier tries have left. */
type Known = {
  readonly stateKey: string;
  readonly facts: unknown;
  readonly stored: Stored<unknown> | undefined;
  readonly journal: readonly KnownEntry[];
};

export function createCalls(
  processor: UntypedEffectProcessor,
  deps: ShellDeps,
  { queue, lifecycle, onFinished }: CallsParts,
): Calls {
  const { group, inFlightMax } = processor;
  const journal = createJournalWriter(deps.database, group);
  const underWay = new Set<Item>();
  const starts = createPacer(startReady);

  function startReady(): void {
    if (lifecycle.stopping.aborted) return;
    const taken = queue.take(inFlightMax - underWay.size);
    if (taken.length === 0) return;
    for (const { item } of taken) {
      enter(item, 'starting');
      underWay.add(item);
    }
    deps.telemetry.inFlight(group, underWay.size);
    const calls: Call[] = [];
    for (const { key, item } of taken) {
      const { work } = item;
      if (isRefused(work)) finish({ key, item, result: { kind: 'refused', refused: work } });
      else if (isPassed(work)) finish({ key, item, result: { kind: 'done', value: null } });
      else calls.push({ key, item, input: work });
    }
    if (calls.length > 0) void start(calls);
  }

  async function start(calls: readonly Call[]): Promise<void> {
    const known = await readUntilDone(processor, deps, lifecycle, calls);
    for (const call of calls) {
      if (known === null) abandon(call);
      else void performOne(call, known(call));
    }
  }

  async function performOne(call: Call, known: Known): Promise<void> {
    const { key, item } = call;
    const result = await resultOf(processor, deps, { journal, lifecycle }, call, known);
    if (result === null) abandon(call);
    else finish({ key, item, result });
  }

  function finish(finished: Finished): void {
    enter(finished.item, 'finished');
    underWay.delete(finished.item);
    deps.telemetry.inFlight(group, underWay.size);
    onFinished(finished);
    starts.request();
  }

  /** Stopping: neither done nor failed; the next owner does it. */
  function abandon({ key, item }: Call): void {
    enter(item, 'abandoned');
    underWay.delete(item);
    queue.release(key);
    lifecycle.signalChange();
  }

  return {
    requestStart: starts.request,
    count: () => underWay.size,
    some: (matches) => [...underWay].some((item) => matches(item.tracker)),
  };
}

/**
 * What the calls need to know; again while the database is away. Null where nobody shall start them any more: nothing was asked
 * yet, so the same messages simply start again, here or with the next owner.
 */
async function readUntilDone(
  processor: UntypedEffectProcessor,
  deps: ShellDeps,
  lifecycle: Lifecycle,
  calls: readonly Call[],
): Promise<((call: Call) => Known) | null> {
  while (!lifecycle.isDead()) {
    try {
      return await readFor(processor, deps.database, calls);
    } catch (thrown) {
      const error = classify(thrown);
      if (!(error instanceof TransientError)) lifecycle.die(error);
      if (lifecycle.isDead() || lifecycle.stopping.aborted) return null;
      deps.telemetry.error(processor.group, error, 'a start is repeated');
      await delay(START_RETRY_MS);
    }
  }
  return null;
}

/** One reading for all of them, whatever their number. */
async function readFor(
  processor: UntypedEffectProcessor,
  database: Database,
  calls: readonly Call[],
): Promise<(call: Call) => Known> {
  const asking = calls.filter(({ input }) => processor.perform[input.event.name] !== null);
  const events = asking.map(({ input }) => input.event);
  const placed = await placeInputs(processor, database, events);
  const places = new Map(asking.map((call, i) => [call, placed[i]]));
  const states = await processor.store.load(database, [...new Set(placed.map(({ key }) => key))]);
  // A first try at a record that nobody had before us has left nothing in the journal.
  const old = asking.filter(({ input, item }) => input.attempt > 0 || item.record.offset < item.tracker.historyUntil);
  const ids = old.map(({ input }) => input.event.id);
  const entries = Map.groupBy(await readJournal(database, processor.group, ids), ({ messageId }) => messageId);
  return (call) => {
    const { event } = call.input;
    const { key: stateKey, facts } = places.get(call) ?? { key: event.key, facts: undefined };
    return { stateKey, facts, stored: states.get(stateKey), journal: entries.get(event.id) ?? [] };
  };
}

/** What the outside world answers, or why not; null where we are told to end, and the next owner has to ask. */
async function resultOf(
  processor: UntypedEffectProcessor,
  deps: ShellDeps,
  { journal, lifecycle }: { readonly journal: StepDeps['journal']; readonly lifecycle: Lifecycle },
  { item, input: { event } }: Call,
  { stateKey, facts, stored, journal: known }: Known,
): Promise<Finished['result'] | null> {
  const { group } = processor;
  const perform = processor.perform[event.name];
  if (perform === null || perform === undefined) return { kind: 'done', value: null };
  const { deadlineMs } = perform;
  const deadline = AbortSignal.timeout(deadlineMs);
  const signal = AbortSignal.any([deadline, lifecycle.stopping]);
  const step = createStep({ journal, messageId: event.id, group, signal, known, deadlineMs, now: deps.clock.now });
  const state = stored?.orgId === event.orgId ? stored.state : processor.initial(stateKey, event.orgId);
  enter(item, 'under way');
  const startedAt = performance.now();
  const ended = (result: Finished['result']): Finished['result'] => {
    if (event.traceparent !== null)
      deps.telemetry.performed(group, event.name, performance.now() - startedAt, result.kind, event.traceparent);
    return result;
  };
  const report = (error: Error): void => {
    deps.telemetry.error(group, error, 'an outside call threw');
  };
  try {
    return ended({ kind: 'done', value: await orAborted(perform.call(state as never, event, step, facts), signal) });
  } catch (thrown) {
    if (thrown instanceof InvariantError) lifecycle.die(thrown);
    if (lifecycle.stopping.aborted) return null;
    return ended(failure(item.record, thrown, { late: deadline.aborted, deadlineMs, report }));
  }
}
