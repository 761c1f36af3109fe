/**
 * The envelope round every event. Ids only: no e-mail address or phone number may ever stand in a key or a header,
 * since both survive in places (broker logs, dead letters) that erasing a person does not reach.
 */

export type Event<N extends string = string, D = unknown> = {
  readonly name: N;
  /** Unique per event; derived from the causing event, so that doing the same work twice gives the same id. */
  readonly id: string;
  readonly key: string;
  readonly orgId: string;
  /** Counts the events that one aggregate of the writer has published; `null` on public topics, whose writers are not ours. */
  readonly version: number | null;
  readonly correlationId: string;
  readonly causationId: string | null;
  /** W3C trace context of the chain, passed on as it came. */
  readonly traceparent: string | null;
  /** Name of the topic that the event came from; with `version` it is what the duplicate guard compares. */
  readonly source: string;
  /** Broker timestamp, milliseconds since 1970. */
  readonly publishedAt: number;
  readonly data: D;
};

/** What a decision may use of the world: the time at which the batch began and ids derived from the input. */
export type Context = {
  /** Milliseconds since 1970, the same for every message of a batch. */
  readonly now: number;
  /** The n-th id that follows from this input; the same on every replay. */
  readonly id: (n: number | string) => string;
};
