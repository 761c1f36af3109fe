/**
 * One partition of an effect runner: which offsets were taken in and are not yet behind its position, and how far the
 * position may move, which is over the prefix of finished messages.
 *
 *   partition 3:   next=40   [40 ✓][41 ..][42 ✓][43 ✓][44 ..]
 *   after a commit:          next=41, finished={42,43}      a restart repeats 41 and 44, not 42 and 43
 */
import type { RawRecord } from '@lead-flood/kafka';
import type { Advance, Position } from '@lead-flood/postgres';
import type { DecodedInput, Passed, Refused } from './decode.ts';
import type { Stateful } from './effect-state.ts';
import type { Owned } from './ownership.ts';
import { placeKey } from './place-key.ts';

export type Tracker = {
  readonly topic: string;
  readonly partition: number;
  readonly place: Owned;
  /** Offsets taken in and not yet behind the position, ascending. */
  outstanding: number[];
  /**
   * Records below this offset may have been tried by an earlier owner and have entries in the journal. All of them, until a
   * fetch from after the claim has told where the partition ended: up to it somebody may not have heard that he was succeeded.
   * What a former owner fetches later still, woken after a long sleep, is beyond it: `step.once` notices, a plain step may be
   * made and paid by both.
   */
  historyUntil: number;
};

export type Item = Stateful & {
  readonly record: RawRecord;
  readonly tracker: Tracker;
  readonly work: DecodedInput | Refused | Passed;
};

/** Where the partition may move to when `done` is finished; changes nothing. */
export function advanceOf(tracker: Tracker, done: readonly number[]): Advance {
  const finished = new Set([...tracker.place.finished, ...done]);
  let nextOffset = tracker.place.nextOffset;
  for (const offset of tracker.outstanding) {
    if (!finished.delete(offset)) break;
    nextOffset = offset + 1;
  }
  const { topic, partition, place } = tracker;
  return {
    topic,
    partition,
    epoch: place.epoch,
    expectedOffset: place.nextOffset,
    expectedFinished: place.finished.size,
    nextOffset,
    finished: [...finished].toSorted((a, b) => a - b),
  };
}

export function settleAdvance(tracker: Tracker, advance: Advance): void {
  tracker.place.nextOffset = advance.nextOffset;
  tracker.place.finished = new Set(advance.finished);
  const firstOpen = tracker.outstanding.findIndex((offset) => offset >= advance.nextOffset);
  tracker.outstanding = firstOpen === -1 ? [] : tracker.outstanding.slice(firstOpen);
}

/**
 * Partitions that are not where we left them: another owner has taken them, or our own commit took place though its
 * answer was lost. Either way what we hold of them is out of date.
 */
export function lostTrackers(trackers: readonly Tracker[], rows: ReadonlyMap<string, Position>): Set<Tracker> {
  return new Set(
    trackers.filter(({ topic, partition, place }) => {
      const row = rows.get(placeKey({ topic, partition }));
      const isMoved = row?.epoch !== place.epoch || row.nextOffset !== place.nextOffset;
      // Of one owner's, the list grows with every commit that leaves the position where it was.
      return isMoved || row.finished.length !== place.finished.size;
    }),
  );
}
