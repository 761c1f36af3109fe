/** From records to events. Bytes that cannot be read become dead letters here; they never stop a partition. */
import type { EventName, Topic } from '@lead-flood/contracts';
import { topicOf, topics } from '@lead-flood/contracts';
import { isId, derivedId, platformOrg } from '@lead-flood/kernel';
import type { SkipCode } from '@lead-flood/kernel';
import type { Codec, DeadLetterFacts, RawRecord } from '@lead-flood/kafka';
import { headerNames, headerOf, originHeader, replayForHeader, TIMER_TOPIC } from '@lead-flood/kafka';
import { badKey, badTextIn } from './bad-text.ts';
import type { AnyInput, Untyped } from './processor.ts';

export type DecodedInput = { readonly record: RawRecord; readonly event: AnyInput; readonly attempt: number };
export type Refused = {
  readonly record: RawRecord;
  readonly code: string;
  readonly detail: string;
  readonly step: DeadLetterFacts['step'];
  /** On a topic that outsiders write: their garbage says nothing of our own health. */
  readonly foreign?: true;
};

/** An event that the processor does not read (`only`), or that is meant for another group. */
export type Passed = { readonly record: RawRecord; readonly ignored: SkipCode };

export type Decoding = {
  readonly group: string;
  readonly codec: Codec;
  /** Events of the processor's topics. */
  readonly reads: ReadonlySet<string>;
  /** Events of the same topics that it has not asked for. */
  readonly passedOver: ReadonlySet<string>;
  /** What stands before every topic's name here (tests share one broker); an event's source is without it. */
  readonly topicPrefix: string;
};

/** What the processor says about reading, once for all records. */
export function decodingOf(
  { group, reads }: Pick<Untyped, 'group' | 'reads'>,
  codec: Codec,
  topicPrefix = '',
): Decoding {
  return {
    group,
    codec,
    reads: new Set(reads.flatMap((topic) => topic.events)),
    passedOver: new Set(reads.flatMap((topic) => topic.passedOver ?? [])),
    topicPrefix,
  };
}

/** More than any id or traceparent has (55); what is longer would be copied into every event that follows. */
const ID_CHARACTERS_MAX = 100;

/** Fetches the schemas that these records need and we do not know; throws `TransientError` while the registry is away. */
export async function learnSchemas(codec: Codec, records: readonly RawRecord[]): Promise<void> {
  const unknown = new Set<number>();
  for (const { value, unreadable } of records) {
    const id = value === null || unreadable !== undefined ? null : codec.schemaId(value);
    if (id !== null && !codec.knows(id)) unknown.add(id);
  }
  await Promise.all([...unknown].map((id) => codec.learn(id)));
}

export function decodeRecord(decoding: Decoding, record: RawRecord): DecodedInput | Refused | Passed {
  const { codec, reads, passedOver, topicPrefix } = decoding;
  const { unreadable } = record;
  if (unreadable !== undefined) return { record, code: 'KFK_ERR_COMPRESSION', detail: unreadable, step: 'decode' };
  const replayFor = headerOf(record, replayForHeader);
  if (replayFor !== null && replayFor !== decoding.group) return { record, ignored: 'replay_for_another' };
  if (passedOver.size > 0 && passedOver.has(codec.nameOf(record.value) ?? '')) return { record, ignored: 'not_read' };
  const decoded = codec.decode(record.value);
  const refuse = (code: string, detail: string): Refused => ({
    record,
    code,
    detail,
    step: 'decode',
    ...(record.topic.slice(topicPrefix.length).startsWith('ingest.') ? { foreign: true } : {}),
  });
  if (!decoded.ok) return refuse(decoded.code, decoded.detail);
  if (!reads.has(decoded.name)) return refuse('KFK_ERR_UNEXPECTED_EVENT', decoded.name);
  const data = decoded.data as { orgId: string };
  const orgHeader = headerOf(record, headerNames.orgId);
  if (!isId(data.orgId)) return refuse('KFK_ERR_BAD_HEADER', 'orgId is not a UUID');
  // What comes of a message of the platform may go to any tenant; so nobody but the platform may speak for it.
  if (data.orgId === platformOrg && !topicOf[decoded.name].startsWith('platform.'))
    return refuse('PRC_ERR_PLATFORM_ORG', decoded.name);
  if (orgHeader !== null && orgHeader !== data.orgId) return refuse('PRC_ERR_FOREIGN_ORG', 'header and data differ');
  const key = record.key?.toString('utf8');
  const badText = badTextIn(data, isOpen(decoded.name)) ?? (key === undefined ? null : badKey(key));
  if (badText !== null) return refuse('PRC_ERR_BAD_TEXT', badText);
  const own = headerId(record, headerNames.messageId) ?? derivedId(record.topic, record.partition, record.offset);
  // Foreign writers choose their message ids, and choose badly: the organisation and the content keep two apart.
  const id = isPublic(decoded.name) ? derivedId(data.orgId, own, record.value?.toString('latin1') ?? '') : own;
  const isTimer = record.topic.endsWith(TIMER_TOPIC);
  return {
    record,
    // Only our own timer topics count tries and name an origin; anybody may write these headers elsewhere.
    attempt: isTimer ? (count(record, headerNames.attempt) ?? 0) : 0,
    event: {
      name: decoded.name,
      id,
      key: key ?? id,
      orgId: data.orgId,
      // Nor do they count versions as we do: one that says of a format would make every later message a repeat.
      version: isOpen(decoded.name) ? null : count(record, headerNames.version),
      correlationId: shortText(record, headerNames.correlationId) ?? id,
      causationId: headerId(record, headerNames.causationId),
      // Nor may they join a trace of ours: whoever can write a topic could otherwise make one of any length.
      traceparent: isPublic(decoded.name) ? null : shortText(record, headerNames.traceparent),
      source: (isTimer ? headerOf(record, originHeader) : null) ?? record.topic.slice(topicPrefix.length),
      publishedAt: record.timestamp,
      data,
    },
  };
}

/** The chains that a batch belongs to. */
export const tracesOf = (inputs: readonly DecodedInput[]): string[] =>
  inputs.flatMap(({ event }) => event.traceparent ?? []);

/** A topic whose keys are the writer's own choice is open to writers that are not ours. */
function isPublic(name: EventName): boolean {
  const topic: Topic = topics[topicOf[name]];
  return topic.key === null;
}

/** Upstream systems write what the doors write; the gateway itself counts no versions there either. */
const isOpen = (name: EventName): boolean => topicOf[name].startsWith('ingest.');

/** Foreign writers may send anything as a header: what is not an id of ours is treated as absent. */
function headerId(record: RawRecord, name: string): string | null {
  const text = headerOf(record, name);
  return text !== null && isId(text) ? text : null;
}

function shortText(record: RawRecord, name: string): string | null {
  const text = headerOf(record, name);
  return text !== null && text !== '' && text.length <= ID_CHARACTERS_MAX ? text : null;
}

function count(record: RawRecord, name: string): number | null {
  const text = headerOf(record, name);
  // An empty text would be the number 0.
  const value = text === null || text === '' ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) && value >= 0 ? value : null;
}

export const isRefused = (input: DecodedInput | Refused | Passed): input is Refused => 'code' in input;
export const isPassed = (input: DecodedInput | Refused | Passed): input is Passed => 'ignored' in input;
