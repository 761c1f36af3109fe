/**
 * Move 7: commits the offsets to Kafka, at most twice a second. Nothing of ours starts from it; lag tools and
 * autoscalers do, and the gateway lets imports in by it.
 */
import type { Consumer } from '@lead-flood/kafka';
import { placeKey } from './place-key.ts';

/** Lag that is half a second old steers replicas and imports as well; each commit is a request to the coordinator. */
const EVERY_MS = 500;

type Place = { readonly topic: string; readonly partition: number; readonly nextOffset: number };

export type OffsetCommitter = {
  readonly commit: (places: readonly Place[]) => void;
  /** After a new assignment: what is uncommitted may be somebody else's by now. */
  readonly forget: () => void;
  /** Tries once more to commit what still is not. */
  readonly stop: () => Promise<void>;
};

export function createOffsetCommitter(consumer: () => Pick<Consumer, 'commitOffsets'>): OffsetCommitter {
  const uncommitted = new Map<string, Place>();
  let timer: NodeJS.Timeout | null = null;
  let committing: Promise<void> | null = null;
  let stopped = false;

  async function flush(): Promise<void> {
    const places = new Map(uncommitted);
    if (places.size === 0) return;
    try {
      await consumer().commitOffsets([...places.values()]);
    } catch {
      // Refused (a rebalance is under way): it stays here and goes with the next ones, since on a quiet topic no newer
      // place would ever come. The truth is in Postgres; nothing but lag is wrong until then.
      return;
    }
    for (const [at, place] of places) if (uncommitted.get(at) === place) uncommitted.delete(at);
  }

  /** One at a time, so that an older place never comes after a newer one. */
  function arm(): void {
    if (stopped || timer !== null || committing !== null || uncommitted.size === 0) return;
    timer = setTimeout(() => {
      timer = null;
      committing = flush().finally(() => {
        committing = null;
        arm();
      });
    }, EVERY_MS);
  }

  return {
    commit(places) {
      for (const place of places) uncommitted.set(placeKey(place), place);
      arm();
    },
    forget: () => {
      uncommitted.clear();
    },
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await committing;
      await flush();
    },
  };
}
