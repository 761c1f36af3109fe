/** From a decision to bytes with headers: the one place where an event's id, version and key are made. */
import { topicOf, topics } from '@lead-flood/contracts';
import type { EventName, Topic } from '@lead-flood/contracts';
import { derivedId, invariant, platformOrg } from '@lead-flood/kernel';
import type { Codec } from '@lead-flood/kafka';
import { headerNames } from '@lead-flood/kafka';
import type { OutboxMessage } from '@lead-flood/postgres';
import type { AnyInput, Outbound } from './processor.ts';

/** What an event inherits from the input that caused it. */
export type Cause = Pick<AnyInput, 'id' | 'orgId' | 'correlationId' | 'traceparent'>;

export function encodeEvent(
  codec: Pick<Codec, 'encode'>,
  event: Outbound,
  facts: { cause: Cause; group: string; ordinal: number | string; version: number | null },
): OutboxMessage {
  const { cause, group, ordinal, version } = facts;
  // A clock ticks for everybody: what follows from it is each tenant's own.
  const mayLeave = cause.orgId === platformOrg;
  invariant(mayLeave || event.data.orgId === cause.orgId, `${event.name} would leave its organisation`);
  return {
    topic: topicOf[event.name],
    key: keyOf(event),
    value: codec.encode(event.name, event.data),
    headers: {
      [headerNames.messageId]: derivedId(cause.id, group, 'out', ordinal),
      [headerNames.correlationId]: cause.correlationId,
      [headerNames.causationId]: cause.id,
      [headerNames.orgId]: event.data.orgId,
      ...(version === null ? {} : { [headerNames.version]: String(version) }),
      ...(cause.traceparent === null ? {} : { [headerNames.traceparent]: cause.traceparent }),
    },
  };
}

/** The record key that topics.json names for the event. */
export function keyOf(event: Outbound): string | null {
  const topic: Topic = topics[topicOf[event.name]];
  const field = topic.keyOf[event.name satisfies EventName] ?? topic.key;
  if (field === null) return null;
  const value = (event.data as Readonly<Record<string, unknown>>)[field];
  invariant(typeof value === 'string' && value !== '', `${event.name} has no key ${field}`);
  return value;
}
