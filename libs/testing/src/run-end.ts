/** What a run of a processor came to: its tables and the distinct events that it published. Two runs are compared by it. */
import { expect } from 'vitest';
import type { SerializableValue } from './dump.ts';
import { dumpTables } from './dump.ts';
import type { Line, Subject } from './line.ts';

export type RunEnd = {
  readonly tables: Readonly<Record<string, readonly SerializableValue[]>>;
  readonly published: readonly unknown[];
};

export async function endOf(
  line: Pick<Line, 'database' | 'events'>,
  subject: Pick<Subject, 'processor'>,
  ignore: Readonly<Record<string, readonly string[]>>,
): Promise<RunEnd> {
  const published = await Promise.all(
    subject.processor.writes.map(async ({ name }) => {
      const events = await line.events(name);
      expectOrder(name, events);
      return events.map(({ id, name: event, key, version, data }) => ({
        id,
        event,
        key,
        version,
        data: withoutTimes(data),
      }));
    }),
  );
  return {
    tables: await dumpTables(line.database, ignore),
    published: published.flat().toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

/** Whatever happened, a key's events leave in the order of their versions. */
function expectOrder(topic: string, events: readonly { key: string; version: number | null }[]): void {
  for (const [key, own] of Map.groupBy(events, (event) => event.key)) {
    const versions = own.flatMap(({ version }) => version ?? []);
    expect(versions, `${topic} ${key}`).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
  }
}

/** Times of processing differ from run to run; times that were handed in do not. */
const PROCESSING_TIMES =
  /^(discoveredAt|enrichedAt|failedAt|scoredAt|decidedAt|requestedAt|sentAt|repliedAt|createdAt|assignedAt|completedAt|requeuedAt|changedAt|mergedAt|erasedAt|suppressedAt|endedAt|observedAt|latencyMs)$/;

function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !PROCESSING_TIMES.test(name))
      .map(([name, inner]) => [name, withoutTimes(inner)]),
  );
}
