/**
 * The effect runner: for work that asks the outside world (enrichment, sending). The backlog stays in Kafka, where it can
 * be seen; here is only what is under way. A message's way, and the file that moves it from state to state (effect-state.ts
 * asserts each step):
 *
 *   fetched ──▶ waiting ──▶ starting ──▶ under way ──▶ finished ──▶ committed
 *      │           │            └─────┬──────┘             │
 *      ▼           ▼                  ▼                    ▼
 *   passed by   dropped           abandoned       lost to another owner
 *
 *   state      where it is, and who moves it on                                a crash here
 *   fetched    with the consumer; effect-partitions.ts takes it in, unless     leaves nothing: it comes again
 *              it is behind the position or remembered as finished
 *   waiting    behind its key in effect-queue.ts; effect-calls.ts takes it     leaves nothing
 *              when its key and a place are free
 *   starting   effect-calls.ts reads its state and its journal; what cannot    leaves nothing
 *              be read or means nothing is finished at once
 *   under way  `perform` runs, outside any transaction; step.ts stores         stored answers are not asked for again;
 *              each answer before it is used                                   an open call is made again, or `step.once`
 *                                                                              says "unknown"
 *   finished   effect-finished.ts gathers many for one commit                  it is performed again, from the journal
 *   committed  effect-commit.ts: position, state, events, or the timer of      before COMMIT like finished; after it the
 *              another try, in one transaction; then its key is free           next owner starts behind it
 *
 *   dropped    the member leaves, or the partition has a new assignment: what has not started comes again from the row
 *   abandoned  told to end by a stop: neither done nor failed; to the next owner it is as after a crash
 *   lost       the row is somebody else's by now: nothing of it is decided here, its answers stand in the journal
 *
 * Promises: an answer is stored before it is used; the position moves to the end of the finished prefix and what is
 * finished beyond it is remembered (effect-tracker.ts); an input that fails for a passing reason comes back by a timer,
 * later messages of its key may overtake it; a partition that moved to another member is noticed at the commit.
 */
import type { Consumer, PartitionBatch } from '@lead-flood/kafka';
import { createConsumer } from '@lead-flood/kafka';
import type { UntypedEffectProcessor } from './effect-calls.ts';
import { createCalls } from './effect-calls.ts';
import type { FinishedParts } from './effect-finished.ts';
import { createFinishedWork } from './effect-finished.ts';
import { createHandOver } from './effect-hand-over.ts';
import { createLifecycle } from './effect-lifecycle.ts';
import type { PartitionsParts } from './effect-partitions.ts';
import { createPartitions } from './effect-partitions.ts';
import { createKeyQueue } from './effect-queue.ts';
import { createGatherWindow, restAfter } from './gather-window.ts';
import { createOffsetCommitter } from './offset-committer.ts';
import { createOwnership } from './ownership.ts';
import type { Running, ShellDeps, ShellOptions, Status } from './shell.ts';
import { fetchWaitMs, goingWell, shellDefaults } from './shell.ts';
import { beginUntilDone, untilDone } from './until-done.ts';

/** Some hundred messages: what is fetched waits in memory, where the lag that replicas are scaled by does not show it. */
const FETCH_BYTES_PER_PARTITION = 262_144;
/**
 * What a group waits at most for a member's calls before it divides the partitions anew: all of them stand still meanwhile.
 * A longer call goes on; its answer goes to the journal, where the next owner finds it if it is late enough to look there.
 */
const HAND_OVER_MS = 5_000;

export async function startEffectRunner(
  processor: UntypedEffectProcessor,
  deps: ShellDeps,
  options: Pick<ShellOptions, 'gatherMs'> = shellDefaults,
): Promise<Running> {
  const { group, inFlightMax } = processor;
  const deadlineMs = longestDeadlineMs(processor);
  const prefix = deps.topicPrefix ?? '';
  const lifecycle = createLifecycle(deps.onFatal);
  const offsets = createOffsetCommitter(() => consumer);
  const ownership = createOwnership(deps.database, group, () => consumer, offsets);
  const gathering = createGatherWindow(options.gatherMs);
  /** Of what comes in, apart from that of the commits: the one may go on while the other cannot. */
  const admission: Status = goingWell();

  const { queue, partitions, calls, finished, open } = connectStages(processor, deps, {
    ownership,
    lifecycle,
    offsets,
    consumer: () => consumer,
  });
  const { drain, ended: handedOver } = createHandOver({ queue, partitions, lifecycle, open, deadlineMs });

  async function onFetch(batches: readonly PartitionBatch[]): Promise<boolean> {
    const beganAt = performance.now();
    const leaving = (): boolean => batches.some((batch) => batch.leaving());
    const admitted = await untilDone(processor, deps, ownership, admission, batches, async () => {
      await partitions.admit(batches);
      calls.requestStart();
      return true;
    });
    // Back-pressure: the next fetch follows when less than one full load is open.
    while (open() >= inFlightMax && !leaving()) await lifecycle.change();
    if (leaving()) {
      await drain(HAND_OVER_MS);
      return false;
    }
    await restAfter(gathering, batches, beganAt);
    return admitted;
  }

  const consumer: Consumer = await createConsumer({
    client: deps.client,
    group: prefix + group,
    topics: [...processor.reads.map((topic) => prefix + topic.name), `${prefix}${group}.timer.v1`],
    sessionTimeoutMs: shellDefaults.sessionTimeoutMs,
    fetchBytesMax: FETCH_BYTES_PER_PARTITION,
    fetchWaitMs,
    onFetch,
    onAssigned: (assignment) => {
      handedOver();
      void beginUntilDone(ownership, deps, group, assignment);
    },
    beforeGivingUp: () => drain(HAND_OVER_MS),
    onFatal: deps.onFatal,
  });
  return {
    lastSeenAt: consumer.lastSeenAt,
    halted: () => finished.halted() ?? admission.halted,
    failingSince: () => finished.failingSince() ?? admission.failingSince,
    stop: async () => {
      queue.drop(() => true);
      const leftConsumer = consumer.stop();
      await drain(deadlineMs);
      lifecycle.stop();
      await offsets.stop();
      await leftConsumer;
    },
  };
}

const longestDeadlineMs = ({ perform }: UntypedEffectProcessor): number =>
  Math.max(0, ...Object.values(perform).map((performance) => performance?.deadlineMs ?? 0));

type StageParts = Pick<PartitionsParts, 'ownership' | 'lifecycle' | 'consumer'> & Pick<FinishedParts, 'offsets'>;

function connectStages(
  processor: UntypedEffectProcessor,
  deps: ShellDeps,
  { ownership, lifecycle, offsets, consumer }: StageParts,
) {
  // In the order in which a message passes them; each tells the next one, and a commit frees keys and places for the first.
  const queue = createKeyQueue();
  const partitions = createPartitions(processor, deps, {
    ownership,
    queue,
    lifecycle,
    consumer,
    isUnderWay: (isOfIt) => calls.some(isOfIt) || finished.some(isOfIt),
  });
  const calls = createCalls(processor, deps, { queue, lifecycle, onFinished: (one) => finished.add(one) });
  const finished = createFinishedWork(processor, deps, {
    queue,
    lifecycle,
    offsets,
    stillOurs: partitions.stillOurs,
    onKeysFree: calls.requestStart,
  });
  const open = (): number => queue.size() + calls.count() + finished.count();
  return { queue, partitions, calls, finished, open };
}
