/**
 * An effect runner that gives partitions up, or ends.
 *
 *   running ──a member comes or goes, a stop──▶ draining ──nothing is open, or the time is over──▶ drained
 *      ▲                                                                                             │
 *      └──────────────────────────────── a new assignment ◀──────────────────────────────────────────┘
 */
import type { Lifecycle } from './effect-lifecycle.ts';
import type { Partitions } from './effect-partitions.ts';
import type { KeyQueue } from './effect-queue.ts';
import { fetchWaitMs } from './shell.ts';

/** One rebalance is noticed by the fetch, then by the group; the other brokers' fetches may take `fetchWaitMs` in between. */
const SAME_REBALANCE_MS = 2 * fetchWaitMs;

export type HandOver = {
  /** Resolves when nothing is open, or after so long (a call's deadline at most). */
  readonly drain: (limitMs: number) => Promise<void>;
  /** There is a new assignment: what is drained from now on belongs to another rebalance. */
  readonly ended: () => void;
};

export function createHandOver({
  queue,
  partitions,
  lifecycle,
  open,
  deadlineMs,
}: {
  readonly queue: KeyQueue;
  readonly partitions: Partitions;
  readonly lifecycle: Lifecycle;
  readonly open: () => number;
  readonly deadlineMs: number;
}): HandOver {
  const drained = { beganAt: 0, endedAt: Number.NEGATIVE_INFINITY };

  /**
   * Nothing more starts; what is under way may end and be committed, for so long. Drains side by side, or one right behind the
   * other without an assignment in between, belong to one rebalance and share the time.
   */
  async function drain(limitMs: number): Promise<void> {
    queue.drop(() => true);
    if (Date.now() - drained.endedAt > SAME_REBALANCE_MS) drained.beganAt = Date.now();
    drained.endedAt = Number.POSITIVE_INFINITY;
    const until = drained.beganAt + Math.min(limitMs, deadlineMs);
    while (open() > 0 && !lifecycle.isDead() && Date.now() < until) await lifecycle.change();
    drained.endedAt = Date.now();
    partitions.forget();
  }

  return {
    drain,
    ended: () => {
      drained.endedAt = Number.NEGATIVE_INFINITY;
    },
  };
}
