/** A record as bytes, as it comes from or goes to the broker, and the headers that we write. */

/** Other clients may write a header without a value. */
export type RawHeaders = Readonly<Record<string, HeaderValue | HeaderValue[] | undefined>>;
export type HeaderValue = Buffer | string | null;

/**
 * What comes from the broker is an object of a class that reads key and headers when they are asked for: a copy by spreading
 * would lose them. `withTopic` copies.
 */
export type RawRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RawHeaders;
  /** `headerText` without making all headers first, where the record comes from the broker. */
  readonly headerText?: (name: string) => string | null;
  /** A whole batch of records that cannot be unpacked, in the place of its last one, and why. */
  readonly unreadable?: string | undefined;
};

export type OutgoingRecord = {
  readonly topic: string;
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
};

/** What a producer takes: a replay gives a foreign writer's headers back as they were, bytes and repeats. */
export type SendableRecord = Omit<OutgoingRecord, 'headers'> & {
  readonly headers: Readonly<Record<string, HeaderValue | HeaderValue[]>>;
};

/** Few and short, since each costs about 2 us and its bytes on every hop. */
export const headerNames = {
  messageId: 'message-id',
  correlationId: 'correlation-id',
  causationId: 'causation-id',
  orgId: 'org-id',
  version: 'version',
  traceparent: 'traceparent',
  /** How often the runner has put the message back by a timer. */
  attempt: 'attempt',
} as const;

/**
 * On a dead letter that is sent again: the group that had refused it. The others of its topic have processed the original,
 * and without a version, which a replay must not have, they would not know it again.
 */
export const replayForHeader = 'replay-for';

/** How the topics end to which only our own timers write. */
export const TIMER_TOPIC = '.timer.v1';

/** Set by a redelivery, on a timer topic: the topic that the message first came from. Elsewhere anybody may have written it. */
export const originHeader = 'origin';

/** The header's text; of a repeated header the first, since the last could be appended by anybody on the way. */
export function headerText(headers: RawHeaders, name: string): string | null {
  const value = headers[name];
  const first = Array.isArray(value) ? value[0] : value;
  if (first === undefined || first === null) return null;
  return typeof first === 'string' ? first : first.toString('utf8');
}

/** The same of a record, the short way where it has one. */
export const headerOf = (record: RawRecord, name: string): string | null =>
  record.headerText === undefined ? headerText(record.headers, name) : record.headerText(name);

/**
 * All headers as UTF-8 text, of a repeated one the first, and without those that have no value. Other bytes do not survive it;
 * see dead-letter.ts.
 */
export function headersAsText(headers: RawHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.keys(headers).flatMap((name) => {
      const text = headerText(headers, name);
      return text === null ? [] : [[name, text]];
    }),
  );
}

/** The record as if it had come by another topic. */
export const withTopic = (record: RawRecord, topic: string): RawRecord => {
  const { partition, offset, timestamp, key, value, headers, unreadable } = record;
  return { topic, partition, offset, timestamp, key, value, headers, unreadable };
};
