/**
 * Move 7: tells Kafka where we are, at most twice a second. Nothing of ours starts from it; lag tools and
 * autoscalers do, and the gateway lets imports in by it.
 */
import type { Consumer } from '@lead-flood/kafka';

const EVERY_MS = 500;

export type OffsetTeller = {
  readonly tell: (places: readonly { topic: string; partition: number; nextOffset: number }[]) => void;
  /** Tells what is still untold. */
  readonly stop: () => Promise<void>;
};

export function createOffsetTeller(consumer: () => Pick<Consumer, 'tellOffsets'>): OffsetTeller {
  const untold = new Map<string, { topic: string; partition: number; nextOffset: number }>();
  let timer: NodeJS.Timeout | null = null;

  const flush = async (): Promise<void> => {
    timer = null;
    const places = [...untold.values()];
    untold.clear();
    if (places.length === 0) return;
    // A refusal (a rebalance is under way) costs nothing: the next telling is near, the truth is in Postgres.
    await consumer()
      .tellOffsets(places)
      .catch(() => undefined);
  };

  return {
    tell(places) {
      for (const place of places) untold.set(`${place.topic}/${place.partition}`, place);
      timer ??= setTimeout(() => void flush(), EVERY_MS);
    },
    async stop() {
      if (timer !== null) clearTimeout(timer);
      await flush();
    },
  };
}
