/** A topic as a value: its facts, and as a type parameter the names of the events that it carries. */
import type { EventName } from './generated/events.ts';

export type Topic<N extends EventName = EventName> = {
  readonly name: string;
  readonly owner: string;
  readonly key: string | null;
  readonly keyOf: Readonly<Partial<Record<EventName, string>>>;
  readonly partitions: number;
  readonly retentionDays: number;
  readonly events: readonly N[];
};

/** Names of the events that the topics of a list carry. */
export type EventsOf<T extends readonly Topic[]> = T[number]['events'][number];

export const topic = <N extends EventName>(facts: Topic<N>): Topic<N> => facts;
