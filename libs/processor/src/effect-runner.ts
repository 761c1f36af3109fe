/**
 * The effect runner: for work that asks the outside world (enrichment, sending). The backlog stays in Kafka, where it
 * can be seen; here is only what is under way.
 *
 *   fetch ─▶ admit ─▶ [ queue: order within a key ] ─▶ perform (outside any transaction, N at once)
 *                                                         │
 *   release key ◀── commit many (positions, decisions) ◀──┘ finished
 *
 * Promises: an answer is stored before it is used (step.ts); the position moves to the end of the finished prefix and
 * what is finished beyond it is remembered; an input that fails for a passing reason comes back by a timer, later
 * messages of its key may overtake it; a partition that moved to another member is noticed at the commit.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer, PartitionBatch } from '@lead-flood/kafka';
import { createConsumer } from '@lead-flood/kafka';
import { InvariantError, planted, TransientError, toError } from '@lead-flood/kernel';
import type { KnownEntry, Stored } from '@lead-flood/postgres';
import { classify, createJournalWriter, readJournal, readPositions } from '@lead-flood/postgres';
import { prepareInputs } from './batch.ts';
import type { Running, ShellDeps, ShellOptions } from './batch-shell.ts';
import { shellDefaults } from './batch-shell.ts';
import { beginUntilDone, untilDone } from './until-done.ts';
import type { DecodedInput } from './decode.ts';
import { decodeRecord, decodingOf, isPassed, isRefused, learnSchemas } from './decode.ts';
import { failure } from './effect-failure.ts';
import type { ErasedEffect, Finished } from './effect-commit.ts';
import { createCommitter } from './effect-committer.ts';
import type { Item, Tracker } from './effect-queue.ts';
import { createGatherWindow } from './gather-window.ts';
import { createKeyQueue, lostTrackers } from './effect-queue.ts';
import { createOffsetTeller } from './offset-teller.ts';
import { createOwnership } from './ownership.ts';
import { createPacer } from './pacer.ts';
import type { AnyInput, Step } from './processor.ts';
import { orAborted } from './deadline.ts';
import { createStep } from './step.ts';

export type ErasedEffectProcessor = ErasedEffect & {
  readonly perform: Readonly<Record<string, ((state: never, event: AnyInput, step: Step) => Promise<unknown>) | null>>;
  readonly inFlightMax: number;
  readonly deadlineMs: number;
};

const FETCH_BYTES_PER_PARTITION = 262_144;
const FETCH_WAIT_MS = 1_000;
const COMMIT_MAX = 500;
/** Least time between two starts and between two commits: each costs some statements however few messages it has. */
const GATHER_MS = 10;
const START_RETRY_MS = 200;
const SESSION_TIMEOUT_MS = 10_000;
/**
 * What a group waits at most for a member's calls before it divides the partitions anew: all of them stand still meanwhile.
 * A longer call goes on; its answer goes to the journal, where the next owner finds it if it is late enough to look there.
 */
const HAND_OVER_MS = 5_000;

const placeOf = (at: { readonly topic: string; readonly partition: number }): string => `${at.topic}/${at.partition}`;
const notHalted = (): { halted: string | null } => ({ halted: null });

type Turn = { readonly key: string; readonly item: Item };
type Started = Turn & { readonly input: DecodedInput };

export async function startEffectRunner(
  processor: ErasedEffectProcessor,
  deps: ShellDeps,
  options: Pick<ShellOptions, 'gatherMs'> = shellDefaults,
): Promise<Running> {
  const prefix = deps.topicPrefix ?? '';
  const { group } = processor;
  const decoding = decodingOf(processor, deps.codec);
  const journal = createJournalWriter(deps.database, group);
  const teller = createOffsetTeller(() => consumer);
  const ownership = createOwnership(deps.database, group, () => consumer, teller);
  const gathering = createGatherWindow(options.gatherMs);
  const queue = createKeyQueue();
  const trackers = new Map<string, Tracker>();
  /** Two reasons to stand still: what comes in may be admitted while what is finished cannot be committed. */
  const status = { admission: notHalted(), commit: notHalted() };
  const stopping = new AbortController();
  /** Woken whenever something finished, was committed or dropped. */
  let changed = Promise.withResolvers<undefined>();
  const signalChange = (): void => {
    const previous = changed;
    changed = Promise.withResolvers();
    previous.resolve(undefined);
  };
  const report = (error: Error): void => {
    deps.telemetry.error(group, error, 'an outside call threw');
  };
  let inFlight = 0;
  let finished: Finished[] = [];
  let committing = false;
  let dead = false;
  const starts = createPacer(GATHER_MS, startReady);
  const commits = createPacer(GATHER_MS, () => void commitFinished());

  /** The process is about to end: from now on nothing is decided or committed, so that a restart finds all of it. */
  function die(error: Error): void {
    dead = true;
    stopping.abort();
    signalChange();
    deps.onFatal(error);
  }

  const open = (): number => queue.size() + inFlight + finished.length;

  async function onFetch(batches: readonly PartitionBatch[]): Promise<boolean> {
    const startedAt = performance.now();
    const admitted = await untilDone(processor, deps, ownership, status.admission, batches, () => admit(batches));
    const leaving = (): boolean => batches.some((batch) => batch.leaving());
    // Back-pressure: the next fetch follows when less than one full load is open.
    while (open() >= processor.inFlightMax && !leaving()) await Promise.race([changed.promise, delay(100)]);
    if (leaving()) {
      await drain(HAND_OVER_MS);
      return false;
    }
    const endedAt = performance.now();
    const messages = batches.reduce((sum, batch) => sum + batch.records.length, 0);
    const restMs = startedAt + gathering.next({ messages, beganAt: startedAt, endedAt }) - endedAt;
    if (restMs > 0) await delay(restMs);
    return admitted;
  }

  async function admit(batches: readonly PartitionBatch[]): Promise<void> {
    await learnSchemas(
      deps.codec,
      batches.flatMap((batch) => batch.records),
    );
    const taken: Turn[][] = [];
    for (const batch of batches) {
      const at = placeOf(batch);
      const before = trackers.get(at);
      if (before === undefined || !ownership.holds(before.place, batch)) {
        trackers.delete(at);
        queue.drop((item) => placeOf(item.tracker) === at);
        // What an earlier claim of ours has under way ends first, and the others do not wait for it.
        if (underWay(at)) {
          const [first] = batch.records;
          if (first !== undefined) consumer.seek(batch.topic, batch.partition, first.offset);
          continue;
        }
      }
      const place = await ownership.admit(batch);
      if (place === null) continue;
      let tracker = trackers.get(at);
      if (tracker?.place !== place) {
        tracker = {
          topic: batch.topic,
          partition: batch.partition,
          place,
          outstanding: [],
          historyUntil: batch.highWatermark,
        };
        trackers.set(at, tracker);
      }
      taken.push(take(batch, tracker));
    }
    // In turns, each in its own order: one after the other, the last partition of a large fetch would stand still until all
    // others are done.
    for (let i = 0; taken.some(({ length }) => i < length); i += 1)
      for (const { [i]: turn } of taken) if (turn !== undefined) queue.add(turn.key, turn.item);
    starts.request();
    if (taken.length === 0) await Promise.race([changed.promise, delay(100)]);
  }

  const commitUntilDone = createCommitter(processor, deps, {
    teller,
    status: status.commit,
    stopping: stopping.signal,
    stillOurs,
  });
  const running = new Set<Item>();
  const underWay = (at: string): boolean =>
    [...running].some((item) => placeOf(item.tracker) === at) || finished.some((f) => placeOf(f.item.tracker) === at);

  function take(batch: PartitionBatch, tracker: Tracker): Turn[] {
    const turns: Turn[] = [];
    const newest = tracker.outstanding.at(-1) ?? -1;
    for (const record of batch.records) {
      if (record.offset < tracker.place.nextOffset || record.offset <= newest) continue;
      tracker.outstanding.push(record.offset);
      if (tracker.place.finished.has(record.offset)) continue;
      const decoded = decodeRecord(decoding, record);
      const work =
        isRefused(decoded) || isPassed(decoded) || prefix === ''
          ? decoded
          : { ...decoded, event: { ...decoded.event, source: decoded.event.source.replace(prefix, '') } };
      const key =
        isRefused(work) || isPassed(work) ? `${batch.topic}/${batch.partition}/${record.offset}` : work.event.key;
      turns.push({ key, item: { record, tracker, work } });
    }
    deps.telemetry.lag(
      group,
      batch.topic.slice(prefix.length),
      batch.partition,
      batch.highWatermark - tracker.place.nextOffset,
    );
    return turns;
  }

  function startReady(): void {
    if (dead || stopping.signal.aborted) return;
    const taken = queue.take(processor.inFlightMax - inFlight);
    if (taken.length === 0) return;
    inFlight += taken.length;
    deps.telemetry.inFlight(group, inFlight);
    const started: Started[] = [];
    for (const { key, item } of taken) {
      running.add(item);
      if (isRefused(item.work)) finish({ key, item, result: { kind: 'refused', refused: item.work } });
      else if (isPassed(item.work)) finish({ key, item, result: { kind: 'done', value: null } });
      else started.push({ key, item, input: item.work });
    }
    if (started.length > 0) void start(started);
  }

  /** Reads what the calls need, once for all of them, and lets them go; again while the database is away. */
  async function start(started: readonly Started[]): Promise<void> {
    const asking = started.filter((s) => processor.perform[s.input.event.name] !== null);
    while (!dead) {
      try {
        const { keys, states, known } = await readFor(asking);
        for (const s of started) {
          const key = keys.get(s) ?? s.input.event.key;
          void performOne(s, states.get(key), key, known.get(s.input.event.id) ?? []);
        }
        return;
      } catch (thrown) {
        const error = classify(thrown);
        if (!(error instanceof TransientError)) {
          die(error);
          return;
        }
        // Nothing was asked yet, so the same messages simply start again; or the next owner starts them.
        if (stopping.signal.aborted) {
          for (const { key, item } of started) abandon(key, item);
          return;
        }
        deps.telemetry.error(group, error, 'a start is repeated');
        await delay(START_RETRY_MS);
      }
    }
  }

  async function readFor(asking: readonly Started[]) {
    const events = asking.map((s) => s.input.event);
    const prepared = await prepareInputs(processor, deps.database, events);
    const keys = new Map(asking.map((s, i) => [s, prepared[i]?.key ?? s.input.event.key]));
    const states = await processor.store.load(deps.database, [...new Set(keys.values())]);
    const old = asking.filter((s) => s.input.attempt > 0 || s.item.record.offset < s.item.tracker.historyUntil);
    const ids = old.map((s) => s.input.event.id);
    const known = Map.groupBy(await readJournal(deps.database, group, ids), (entry) => entry.messageId);
    return { keys, states, known };
  }

  async function performOne(
    { key, item, input }: Started,
    stored: Stored<unknown> | undefined,
    stateKey: string,
    known: readonly KnownEntry[],
  ): Promise<void> {
    const { event } = input;
    const perform = processor.perform[event.name];
    if (perform === null || perform === undefined) {
      finish({ key, item, result: { kind: 'done', value: null } });
      return;
    }
    const deadline = AbortSignal.timeout(processor.deadlineMs);
    const signal = AbortSignal.any([deadline, stopping.signal]);
    const step = createStep({
      journal,
      messageId: event.id,
      group,
      signal,
      known,
      deadlineMs: processor.deadlineMs,
      now: deps.clock.now,
    });
    const state = stored?.orgId === event.orgId ? stored.state : processor.initial(stateKey, event.orgId);
    const startedAt = performance.now();
    const ended = (result: Finished['result']): void => {
      if (event.traceparent !== null)
        deps.telemetry.performed(group, event.name, performance.now() - startedAt, result.kind, event.traceparent);
      finish({ key, item, result });
    };
    try {
      ended({ kind: 'done', value: await orAborted(perform(state as never, event, step), signal) });
    } catch (thrown) {
      if (thrown instanceof InvariantError) die(thrown);
      // Stopping: neither done nor failed; the next owner does it.
      if (stopping.signal.aborted) abandon(key, item);
      else ended(failure(item.record, thrown, { late: deadline.aborted, deadlineMs: processor.deadlineMs, report }));
    }
  }

  function abandon(key: string, item: Item): void {
    running.delete(item);
    inFlight -= 1;
    queue.release(key);
    signalChange();
  }

  function finish(f: Finished): void {
    running.delete(f.item);
    inFlight -= 1;
    finished.push(f);
    deps.telemetry.inFlight(group, inFlight);
    commits.request();
    starts.request();
  }

  async function commitFinished(): Promise<void> {
    if (committing || dead) return;
    committing = true;
    try {
      const batch = finished.slice(0, COMMIT_MAX);
      await commitUntilDone(batch);
      finished = finished.slice(batch.length);
      for (const { key } of batch) queue.release(key);
    } catch (error) {
      die(toError(error));
    }
    committing = false;
    if (finished.length > 0) commits.request();
    starts.request();
    signalChange();
  }

  /** Forgets partitions that another owner has taken; what was done for them stands in the journal for that owner. */
  async function stillOurs(rest: readonly Finished[]): Promise<readonly Finished[]> {
    const rows = new Map((await readPositions(deps.database, group)).map((p) => [`${p.topic}/${p.partition}`, p]));
    const lost = lostTrackers([...trackers.values(), ...rest.map((f) => f.item.tracker)], rows);
    for (const { topic, partition } of lost) {
      const row = rows.get(`${topic}/${partition}`);
      if (row !== undefined) consumer.seek(topic, partition, row.nextOffset);
    }
    queue.drop((item) => lost.has(item.tracker));
    for (const [at, tracker] of trackers) if (lost.has(tracker)) trackers.delete(at);
    // Should we be the owner after all (a claim of our own overtook us), the next records claim anew. These alone: a claim
    // takes what is under way from the others too, whose commits then fail and forget the next ones, round and round.
    ownership.forget(new Set([...lost].map(({ place }) => place)));
    return rest.filter((f) => !lost.has(f.item.tracker));
  }

  async function drain(limitMs: number): Promise<void> {
    queue.drop(() => true);
    const until = Date.now() + Math.min(limitMs, processor.deadlineMs);
    while (open() > 0 && !dead && Date.now() < until) await Promise.race([changed.promise, delay(100)]);
    // What was dropped has to come again from the row's offset, even if this member keeps its partitions.
    trackers.clear();
    ownership.forget();
  }

  const consumer: Consumer = await createConsumer({
    client: deps.client,
    group: prefix + group,
    topics: [...processor.reads.map((topic) => prefix + topic.name), `${prefix}${group}.timer.v1`],
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    fetchBytesMax: FETCH_BYTES_PER_PARTITION,
    fetchWaitMs: FETCH_WAIT_MS,
    onFetch,
    onAssigned: (partitions, seek) => void beginUntilDone(ownership, deps, group, partitions, seek),
    beforeGivingUp: () => (planted('no-hand-over') ? Promise.resolve() : drain(HAND_OVER_MS)),
    onFatal: deps.onFatal,
  });
  return {
    lastSeenAt: consumer.lastSeenAt,
    halted: () => status.commit.halted ?? status.admission.halted,
    stop: async () => {
      queue.drop(() => true);
      const leftConsumer = consumer.stop();
      await drain(processor.deadlineMs);
      stopping.abort();
      await teller.stop();
      await leftConsumer;
    },
  };
}
