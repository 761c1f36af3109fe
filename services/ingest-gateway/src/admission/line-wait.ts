/**
 * How long the line lets messages wait: over the groups that a new lead passes, the age of the oldest message that its group
 * has not told Kafka to be behind it. Groups tell their places twice a second, so it is never exact and never much too small.
 */
import { openLagReader } from '@lead-flood/kafka';
import type { GroupPlace, KafkaClient } from '@lead-flood/kafka';
import { waitOf } from '../domain/line-wait.ts';
import type { Seen } from '../domain/line-wait.ts';

export type LineWait = {
  /** Milliseconds; null where Kafka cannot be asked. */
  readonly waitMs: () => Promise<number | null>;
  readonly close: () => Promise<void>;
};

export async function openLineWait(
  client: KafkaClient,
  groups: readonly string[],
  onError: (error: unknown) => void,
): Promise<LineWait> {
  const reader = await openLagReader(client);
  let seen: Seen = new Map();
  return {
    waitMs: async () => {
      let places: readonly GroupPlace[];
      try {
        places = await reader.read(groups);
      } catch (error) {
        onError(error);
        return null;
      }
      const [waitMs, now] = waitOf(seen, places, performance.now());
      seen = now;
      return waitMs;
    },
    close: reader.close,
  };
}
