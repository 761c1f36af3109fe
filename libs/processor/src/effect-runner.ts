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
import { InvariantError, TransientError, toError } from '@lead-flood/kernel';
import type { KnownEntry, Stored } from '@lead-flood/postgres';
import { classify, createJournalWriter, readJournal } from '@lead-flood/postgres';
import { prepareInputs } from './batch.ts';
import type { Running, ShellDeps } from './batch-shell.ts';
import { beginUntilDone, untilDone } from './batch-shell.ts';
import type { DecodedInput } from './decode.ts';
import { decodeRecord, isRefused, learnSchemas } from './decode.ts';
import { failure } from './effect-failure.ts';
import type { ErasedEffect, Finished } from './effect-commit.ts';
import { commitEffects } from './effect-commit.ts';
import type { Item, Tracker } from './effect-queue.ts';
import { createKeyQueue, lostTrackers } from './effect-queue.ts';
import { FloodError, haltedPauseMs, isolates } from './flood.ts';
import { createOffsetTeller } from './offset-teller.ts';
import { createOwnership, positionsUnlessAway } from './ownership.ts';
import type { AnyInput, Step } from './processor.ts';
import { orAborted } from './deadline.ts';
import { createStep } from './step.ts';

export type ErasedEffectProcessor = ErasedEffect & {
  readonly perform: Readonly<Record<string, ((state: never, event: AnyInput, step: Step) => Promise<unknown>) | null>>;
  readonly inFlightMax: number;
  readonly deadlineMs: number;
};

const FETCH_BYTES_PER_PARTITION = 262_144;
const FETCH_WAIT_MS = 500;
const COMMIT_MAX = 500;
const COMMIT_RETRY_MS = { first: 50, max: 5_000 };
const SESSION_TIMEOUT_MS = 10_000;

type Started = { readonly key: string; readonly item: Item; readonly input: DecodedInput };

export async function startEffectRunner(
  processor: ErasedEffectProcessor,
  deps: ShellDeps,
  options: { gatherMs: number } = { gatherMs: 5 },
): Promise<Running> {
  const prefix = deps.topicPrefix ?? '';
  const { group } = processor;
  const reads = new Set(processor.reads.flatMap((topic) => topic.events as readonly string[]));
  const ownership = createOwnership(deps.database, group, () => consumer);
  const journal = createJournalWriter(deps.database, group);
  const teller = createOffsetTeller(() => consumer);
  const queue = createKeyQueue();
  const trackers = new Map<string, Tracker>();
  const status: { halted: string | null } = { halted: null };
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
    const admitted = await untilDone(processor, deps, ownership, status, batches, () => admit(batches));
    const leaving = (): boolean => batches.some((batch) => batch.leaving());
    // Back-pressure: the next fetch follows when less than one full load is open.
    while (open() >= processor.inFlightMax && !leaving()) await Promise.race([changed.promise, delay(100)]);
    if (leaving()) {
      await drain();
      return false;
    }
    const spentMs = performance.now() - startedAt;
    if (spentMs < options.gatherMs) await delay(options.gatherMs - spentMs);
    return admitted;
  }

  async function admit(batches: readonly PartitionBatch[]): Promise<void> {
    await learnSchemas(
      deps.codec,
      batches.flatMap((batch) => batch.records),
    );
    for (const batch of batches) {
      const at = `${batch.topic}/${batch.partition}`;
      const before = trackers.get(at);
      if (before !== undefined && before.place.generation !== batch.generation) await leave(before, at);
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
      take(batch, tracker);
    }
    pump();
  }

  /** The same partition under a new assignment: what is under way for it ends first, the rest comes again. */
  async function leave(tracker: Tracker, at: string): Promise<void> {
    queue.drop((item) => item.tracker === tracker);
    const until = Date.now() + processor.deadlineMs;
    while (underWay(tracker) && Date.now() < until) await Promise.race([changed.promise, delay(100)]);
    trackers.delete(at);
  }

  const running = new Set<Item>();
  const underWay = (tracker: Tracker): boolean =>
    [...running].some((item) => item.tracker === tracker) || finished.some((f) => f.item.tracker === tracker);

  function take(batch: PartitionBatch, tracker: Tracker): void {
    const newest = tracker.outstanding.at(-1) ?? -1;
    for (const record of batch.records) {
      if (record.offset < tracker.place.nextOffset || record.offset <= newest) continue;
      tracker.outstanding.push(record.offset);
      if (tracker.place.finished.has(record.offset)) continue;
      const decoded = decodeRecord(deps.codec, record, reads);
      const work =
        isRefused(decoded) || prefix === ''
          ? decoded
          : { ...decoded, event: { ...decoded.event, source: decoded.event.source.replace(prefix, '') } };
      const key = isRefused(work) ? `${batch.topic}/${batch.partition}/${record.offset}` : work.event.key;
      queue.add(key, { record, tracker, work });
    }
    deps.telemetry.lag(
      group,
      batch.topic.slice(prefix.length),
      batch.partition,
      batch.highWatermark - tracker.place.nextOffset,
    );
  }

  function pump(): void {
    if (dead || stopping.signal.aborted) return;
    const taken = queue.take(processor.inFlightMax - inFlight);
    if (taken.length === 0) return;
    inFlight += taken.length;
    deps.telemetry.inFlight(group, inFlight);
    const started: Started[] = [];
    for (const { key, item } of taken) {
      running.add(item);
      if (isRefused(item.work)) finish({ key, item, result: { kind: 'refused', refused: item.work } });
      else started.push({ key, item, input: item.work });
    }
    if (started.length > 0) void start(started);
  }

  /** Reads what the calls need, once for all of them, and lets them go. */
  async function start(started: readonly Started[]): Promise<void> {
    try {
      const quiet = started.filter((s) => processor.perform[s.input.event.name] !== null);
      const prepared = await prepareInputs(
        processor,
        deps.database,
        quiet.map((s) => s.input.event),
      );
      const states = await processor.store.load(deps.database, [...new Set(prepared.map((p) => p.key))]);
      const old = quiet.filter((s) => s.input.attempt > 0 || s.item.record.offset < s.item.tracker.historyUntil);
      const known = Map.groupBy(
        await readJournal(
          deps.database,
          group,
          old.map((s) => s.input.event.id),
        ),
        (entry) => entry.messageId,
      );
      for (const s of started) {
        const key = prepared[quiet.indexOf(s)]?.key ?? s.input.event.key;
        void performOne(s, states.get(key), key, known.get(s.input.event.id) ?? []);
      }
    } catch (thrown) {
      const error = classify(thrown);
      if (!(error instanceof TransientError)) {
        die(error);
        return;
      }
      // The database is away: nothing was asked yet, so the same messages simply start again.
      deps.telemetry.error(group, error, 'a start is repeated');
      await delay(COMMIT_RETRY_MS.first * 4);
      await start(started);
    }
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
    try {
      const value = await orAborted(perform(state as never, event, step), signal);
      finish({ key, item, result: { kind: 'done', value } });
    } catch (thrown) {
      if (thrown instanceof InvariantError) die(thrown);
      // Stopping: neither done nor failed; the next owner does it.
      if (stopping.signal.aborted) abandon(key, item);
      else
        finish({
          key,
          item,
          result: failure(item.record, thrown, { late: deadline.aborted, deadlineMs: processor.deadlineMs, report }),
        });
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
    // setImmediate lets the calls that end in this turn share the commit.
    if (!committing && !dead) {
      committing = true;
      setImmediate(() => void commitLoop());
    }
    pump();
  }

  async function commitLoop(): Promise<void> {
    try {
      while (finished.length > 0 && !dead) {
        const batch = finished.slice(0, COMMIT_MAX);
        await commitUntilDone(batch);
        finished = finished.slice(batch.length);
        for (const { key } of batch) queue.release(key);
        pump();
        signalChange();
      }
    } catch (error) {
      die(toError(error));
    } finally {
      committing = false;
    }
  }

  async function commitUntilDone(batch: readonly Finished[]): Promise<void> {
    let rest = batch;
    for (let tries = 0; rest.length > 0; tries += 1) {
      const startedAt = performance.now();
      try {
        const result = await commitEffects(processor, { ...deps, now: deps.clock.now(), topicPrefix: prefix }, rest);
        for (const { topic, outcome, reason } of result.outcomes) deps.telemetry.outcome(group, topic, outcome, reason);
        deps.telemetry.batch(group, rest.length, performance.now() - startedAt);
        status.halted = null;
        deps.wakeRelay();
        teller.tell(
          [...new Set(rest.map((f) => f.item.tracker))].map((t) => ({
            topic: t.topic,
            partition: t.partition,
            nextOffset: t.place.nextOffset,
          })),
        );
        return;
      } catch (thrown) {
        const error = classify(thrown);
        deps.telemetry.error(group, error, 'a commit is repeated');
        if (error instanceof InvariantError) throw error;
        if (error instanceof FloodError || (!(error instanceof TransientError) && !isolates(error))) {
          status.halted = error.message;
          // The only way for it to fail is a stop, asked for in the next line.
          await delay(haltedPauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
          if (stopping.signal.aborted) return;
          continue;
        }
        if (!(error instanceof TransientError)) {
          await isolate(rest, error);
          return;
        }
        if (error.code === 'PGS_ERR_NOT_OWNER') rest = await stillOurs(rest);
        await delay(Math.min(COMMIT_RETRY_MS.first * 2 ** tries, COMMIT_RETRY_MS.max) * (0.5 + Math.random()));
      }
    }
  }

  /** The data of one of them is refused by the database: halve, and set aside the one. */
  async function isolate(rest: readonly Finished[], error: Error): Promise<void> {
    const [only] = rest;
    if (only === undefined) return;
    if (rest.length === 1) {
      const refused = { record: only.item.record, code: 'PRC_ERR_UNSTORABLE', detail: error.name, step: 'save' };
      await commitUntilDone([{ ...only, result: { kind: 'refused', refused } }]);
      return;
    }
    const middle = rest.length >> 1;
    await commitUntilDone(rest.slice(0, middle));
    await commitUntilDone(rest.slice(middle));
  }

  /** Forgets partitions that another owner has taken; what was done for them stands in the journal for that owner. */
  async function stillOurs(rest: readonly Finished[]): Promise<readonly Finished[]> {
    const positions = await positionsUnlessAway(deps.database, group);
    // The commit is repeated, and asks again.
    if (positions === null) return rest;
    const rows = new Map(positions.map((p) => [`${p.topic}/${p.partition}`, p]));
    const lost = lostTrackers([...trackers.values(), ...rest.map((f) => f.item.tracker)], rows);
    for (const { topic, partition } of lost) {
      const row = rows.get(`${topic}/${partition}`);
      if (row !== undefined) consumer.seek(topic, partition, row.nextOffset);
    }
    queue.drop((item) => lost.has(item.tracker));
    for (const [at, tracker] of trackers) if (lost.has(tracker)) trackers.delete(at);
    // Should we be the owner after all (a claim of our own overtook us), the next records claim anew.
    ownership.forget();
    return rest.filter((f) => !lost.has(f.item.tracker));
  }

  async function drain(): Promise<void> {
    queue.drop(() => true);
    const until = Date.now() + processor.deadlineMs;
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
    onFatal: deps.onFatal,
  });
  return {
    lastSeenAt: consumer.lastSeenAt,
    halted: () => status.halted,
    stop: async () => {
      queue.drop(() => true);
      const leftConsumer = consumer.stop();
      await drain();
      stopping.abort();
      await teller.stop();
      await leftConsumer;
    },
  };
}
