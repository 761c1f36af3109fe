/**
 * Which partitions an effect runner holds, and what it takes in of them.
 *
 *   fetched ──ours, not behind the position, not remembered as finished──▶ [ queue ]
 *
 *   a new assignment    what waits is dropped and comes again; the partition is taken up when what is under way for the former
 *                       one has ended, the others do not wait for it
 *   another owner       seen by a commit that finds the row changed: what we hold of the partition is forgotten
 */
import type { Consumer, PartitionBatch } from '@lead-flood/kafka';
import type { Database } from '@lead-flood/postgres';
import { readPositions } from '@lead-flood/postgres';
import type { Decoding } from './decode.ts';
import { decodeRecord, decodingOf, isPassed, isRefused, learnSchemas } from './decode.ts';
import type { Finished } from './effect-commit.ts';
import type { Lifecycle } from './effect-lifecycle.ts';
import type { KeyQueue } from './effect-queue.ts';
import { enter } from './effect-state.ts';
import type { Item, Tracker } from './effect-tracker.ts';
import { lostTrackers } from './effect-tracker.ts';
import type { Owned, Ownership } from './ownership.ts';
import { placeKey } from './place-key.ts';
import type { Untyped } from './processor.ts';
import type { ShellDeps } from './shell.ts';

export type Partitions = {
  /** Takes in what a fetch has brought. Throws `TransientError` while the database or the registry is away. */
  readonly admit: (batches: readonly PartitionBatch[]) => Promise<void>;
  /** After a commit that found another owner: forgets what is lost, answers what is still to be committed here. */
  readonly stillOurs: (finished: readonly Finished[]) => Promise<readonly Finished[]>;
  /** Everything comes again from the rows' offsets, also to a member that keeps its partitions. */
  readonly forget: () => void;
};

export type PartitionsParts = {
  readonly ownership: Ownership;
  readonly queue: KeyQueue;
  readonly lifecycle: Lifecycle;
  readonly consumer: () => Pick<Consumer, 'seek'>;
  /** Whether one of the partition's messages is with the outside world, or finished and not committed. */
  readonly isUnderWay: (isOfIt: (tracker: Tracker) => boolean) => boolean;
};

type Turn = { readonly key: string; readonly item: Item };

export function createPartitions(
  processor: Pick<Untyped, 'group' | 'reads' | 'decide'>,
  deps: ShellDeps,
  { ownership, queue, lifecycle, consumer, isUnderWay }: PartitionsParts,
): Partitions {
  const prefix = deps.topicPrefix ?? '';
  const decoding = decodingOf(processor, deps.codec, prefix);
  const held = new Map<string, Tracker>();

  async function admit(batches: readonly PartitionBatch[]): Promise<void> {
    const records = batches.flatMap((batch) => batch.records);
    await learnSchemas(deps.codec, records);
    const ready = batches.filter((batch) => !isStillLeft(batch));
    const places = await ownership.admit(ready);
    const taken = ready.flatMap((batch, i) => {
      const place = places[i] ?? null;
      if (place === null) return [];
      const tracker = trackerOf(batch, place);
      const turns = take(decoding, batch, tracker);
      const topic = batch.topic.slice(prefix.length);
      deps.telemetry.lag(processor.group, topic, batch.partition, batch.highWatermark - place.nextOffset);
      return [turns];
    });
    // In turns, each partition in its own order: one after the other, the last one of a large fetch would stand still until
    // all others are done.
    for (let i = 0; taken.some(({ length }) => i < length); i += 1)
      for (const { [i]: turn } of taken) if (turn !== undefined) queue.add(turn.key, turn.item);
    if (taken.length === 0) await lifecycle.change();
  }

  /** Whether calls of a former claim of ours are still under way: the batch is then sent back to come again. */
  function isStillLeft(batch: PartitionBatch): boolean {
    const at = placeKey(batch);
    const former = held.get(at);
    if (former !== undefined && ownership.holds(former.place, batch)) return false;
    held.delete(at);
    queue.drop((item) => placeKey(item.tracker) === at);
    if (!isUnderWay((tracker) => placeKey(tracker) === at)) return false;
    const [first] = batch.records;
    if (first !== undefined) consumer().seek(batch.topic, batch.partition, first.offset);
    return true;
  }

  function trackerOf({ topic, partition, highWatermark }: PartitionBatch, place: Owned): Tracker {
    const at = placeKey({ topic, partition });
    const known = held.get(at);
    if (known?.place === place) {
      known.historyUntil = Math.min(known.historyUntil, highWatermark);
      return known;
    }
    // Claimed for this fetch, which is older than the claim.
    const tracker = { topic, partition, place, outstanding: [], historyUntil: Number.POSITIVE_INFINITY };
    held.set(at, tracker);
    return tracker;
  }

  /** Sent back by ourselves: kafkajs may go on where it was, after a connection that broke, without any new assignment. */
  function forget(): void {
    for (const { topic, partition, place } of held.values()) consumer().seek(topic, partition, place.nextOffset);
    held.clear();
    ownership.forget();
  }

  return {
    admit,
    stillOurs: (rest) => withoutLost(processor.group, deps.database, { ownership, queue, consumer, held }, rest),
    forget,
  };
}

/** Notes what is new of the batch as outstanding, and answers what is still to be done of it, in order. */
function take(decoding: Decoding, { topic, partition, records }: PartitionBatch, tracker: Tracker): Turn[] {
  const turns: Turn[] = [];
  const newest = tracker.outstanding.at(-1) ?? -1;
  for (const record of records) {
    if (record.offset < tracker.place.nextOffset || record.offset <= newest) continue;
    tracker.outstanding.push(record.offset);
    if (tracker.place.finished.has(record.offset)) continue;
    const work = decodeRecord(decoding, record);
    // What is not an event waits for nobody.
    const key = isRefused(work) || isPassed(work) ? `${topic}/${partition}/${record.offset}` : work.event.key;
    turns.push({ key, item: { record, tracker, work, state: 'waiting' } });
  }
  return turns;
}

/** What was done for a lost partition stands in the journal for its new owner. */
async function withoutLost(
  group: string,
  database: Database,
  {
    ownership,
    queue,
    consumer,
    held,
  }: Pick<PartitionsParts, 'ownership' | 'queue' | 'consumer'> & { held: Map<string, Tracker> },
  rest: readonly Finished[],
): Promise<readonly Finished[]> {
  const rows = new Map((await readPositions(database, group)).map((row) => [placeKey(row), row]));
  const lost = lostTrackers([...held.values(), ...rest.map((f) => f.item.tracker)], rows);
  for (const tracker of lost) {
    const { topic, partition } = tracker;
    const row = rows.get(placeKey(tracker));
    if (row !== undefined) consumer().seek(topic, partition, row.nextOffset);
  }
  queue.drop((item) => lost.has(item.tracker));
  for (const [at, tracker] of held) if (lost.has(tracker)) held.delete(at);
  // Should we be the owner after all (a claim of our own overtook us), the next records claim anew. These alone: a claim
  // takes what is under way from the others too, whose commits then fail and forget the next ones, round and round.
  ownership.forget(new Set([...lost].map(({ place }) => place)));
  for (const { item } of rest) if (lost.has(item.tracker)) enter(item, 'lost');
  return rest.filter((f) => !lost.has(f.item.tracker));
}
