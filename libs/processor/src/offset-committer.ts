/**
 * Move 7: tells Kafka where we are, at most twice a second. Nothing of ours starts from it; lag tools and
 * autoscalers do, and the gateway lets imports in by it.
 */
import type { Consumer } from '@lead-flood/kafka';
import { placeKey } from './place-key.ts';

/** Lag that is half a second old steers replicas and imports as well; each telling is a request to the coordinator. */
const EVERY_MS = 500;

type Place = { readonly topic: string; readonly partition: number; readonly nextOffset: number };

export type OffsetTeller = {
  readonly tell: (places: readonly Place[]) => void;
  /** After a new assignment: what is untold may be somebody else's to tell now. */
  readonly forget: () => void;
  /** Tries once more to tell what is still untold. */
  readonly stop: () => Promise<void>;
};

export function createOffsetTeller(consumer: () => Pick<Consumer, 'tellOffsets'>): OffsetTeller {
  const untold = new Map<string, Place>();
  let timer: NodeJS.Timeout | null = null;
  let telling: Promise<void> | null = null;
  let stopped = false;

  async function flush(): Promise<void> {
    const places = new Map(untold);
    if (places.size === 0) return;
    try {
      await consumer().tellOffsets([...places.values()]);
    } catch {
      // Refused (a rebalance is under way): it stays untold and is told with the next ones, since on a quiet topic no newer
      // place would ever come. The truth is in Postgres; nothing but lag is wrong until then.
      return;
    }
    for (const [at, place] of places) if (untold.get(at) === place) untold.delete(at);
  }

  /** One at a time, so that an older place never comes after a newer one. */
  function arm(): void {
    if (stopped || timer !== null || telling !== null || untold.size === 0) return;
    timer = setTimeout(() => {
      timer = null;
      telling = flush().finally(() => {
        telling = null;
        arm();
      });
    }, EVERY_MS);
  }

  return {
    tell(places) {
      for (const place of places) untold.set(placeKey(place), place);
      arm();
    },
    forget: () => {
      untold.clear();
    },
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await telling;
      await flush();
    },
  };
}
