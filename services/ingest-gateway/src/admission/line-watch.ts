/**
 * Asks Kafka how the line keeps up: over the groups that a new lead passes, how old the oldest message is that its group has
 * not told to be behind it, and how many the slowest passes. Groups tell their places twice a second: it is never exact, and
 * never much too good.
 */
import { openLagReader } from '@lead-flood/kafka';
import type { GroupPlace, KafkaClient } from '@lead-flood/kafka';
import { lineOf, nothingSeen } from '../domain/line-wait.ts';
import type { Line } from '../domain/line-wait.ts';

export type LineWatch = {
  /** null where Kafka cannot be asked. */
  readonly look: () => Promise<Line | null>;
  readonly close: () => Promise<void>;
};

export async function watchLine(
  client: KafkaClient,
  groups: readonly string[],
  onError: (error: unknown) => void,
): Promise<LineWatch> {
  const reader = await openLagReader(client);
  let seen = nothingSeen;
  return {
    look: async () => {
      let places: readonly GroupPlace[];
      try {
        places = await reader.read(groups);
      } catch (error) {
        onError(error);
        return null;
      }
      const [line, now] = lineOf(seen, places, performance.now());
      seen = now;
      return line;
    },
    close: reader.close,
  };
}
