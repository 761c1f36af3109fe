/** A topic as a value: its facts, and as a type parameter the names of the events that it carries. */
import type { EventName } from './generated/events.ts';

export type Topic<N extends EventName = EventName> = {
  readonly name: string;
  readonly owner: string;
  readonly key: string | null;
  readonly keyOf: Readonly<Partial<Record<EventName, string>>>;
  readonly partitions: number;
  /** Null: the latest record of each key is kept for good, so that whoever reads it for the first time gets a whole copy. */
  readonly retentionDays: number | null;
  readonly events: readonly N[];
  /** Events of the topic that a reader has not asked for (`only`); they are passed undecoded. */
  readonly passedOver?: readonly EventName[];
};

/** Names of the events that the topics of a list carry. */
export type EventsOf<T extends readonly Topic[]> = T[number]['events'][number];

export const topic = <N extends EventName>(facts: Topic<N>): Topic<N> => facts;

/**
 * The topic, of which a processor reads these events only. It need not say what it does with the others, and the shells
 * pass them by their schema id: nothing of them is decoded, no state is loaded, they are only counted.
 */
export const only = <N extends EventName, const M extends N>(whole: Topic<N>, events: readonly M[]): Topic<M> => ({
  ...whole,
  events,
  passedOver: whole.events.filter((name) => !(events as readonly EventName[]).includes(name)),
});
