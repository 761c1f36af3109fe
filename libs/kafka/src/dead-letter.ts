/**
 * A message that can never be processed, kept as it came: original bytes, key and headers, and in added headers
 * where it was met and why. The added names carry a prefix, so a replay can take them off again.
 */
import { isUtf8 } from 'node:buffer';
import type { HeaderValue, OutgoingRecord, RawRecord, SendableRecord } from './record.ts';
import { headerNames, headersAsText, headerText, originHeader, replayForHeader, TIMER_TOPIC } from './record.ts';

const PREFIX = 'dead-letter-';
/** Base64 of what would not survive as text: the key, and headers of other bytes, with several values or with none (`-`). */
const KEY_BYTES = `${PREFIX}key-bytes`;
const BYTES_OF = `${PREFIX}bytes-of-`;

export type DeadLetterFacts = {
  readonly group: string;
  readonly code: string;
  readonly detail: string;
  /** Which part refused it: decode, decide, perform. */
  readonly step: string;
  readonly at: number;
};

export type DeadLetter = DeadLetterFacts & {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly replays: number;
};

/** A detail longer than this is cut: it may quote input, and headers are no place for documents. */
const DETAIL_CHARACTERS_MAX = 300;

export const deadLetterTopic = (group: string): string => `${group}.dead-letter.v1`;

export function toDeadLetter(record: RawRecord, facts: DeadLetterFacts): OutgoingRecord {
  return {
    topic: deadLetterTopic(facts.group),
    key: record.key,
    value: record.value,
    headers: {
      ...foreignHeaders(record),
      ...notText(record),
      [`${PREFIX}topic`]: record.topic,
      [`${PREFIX}partition`]: String(record.partition),
      [`${PREFIX}offset`]: String(record.offset),
      [`${PREFIX}group`]: facts.group,
      [`${PREFIX}code`]: facts.code,
      [`${PREFIX}detail`]: facts.detail.slice(0, DETAIL_CHARACTERS_MAX),
      [`${PREFIX}step`]: facts.step,
      [`${PREFIX}at`]: new Date(facts.at).toISOString(),
    },
  };
}

/** Nobody but us says what the original's bytes were. */
const foreignHeaders = (record: RawRecord): Record<string, string> =>
  Object.fromEntries(
    Object.keys(record.headers)
      .filter((name) => name !== KEY_BYTES && !name.startsWith(BYTES_OF))
      .map((name) => [name, headerText(record.headers, name) ?? '']),
  );

/** A header without a value is not one with an empty text. No base64 looks like this. */
const NO_VALUE = '-';

const isText = (value: HeaderValue): boolean => typeof value === 'string' || (value !== null && isUtf8(value));
const base64 = (value: HeaderValue): string => (value === null ? NO_VALUE : Buffer.from(value).toString('base64'));
const fromBase64 = (text: string): HeaderValue => (text === NO_VALUE ? null : Buffer.from(text, 'base64'));

function notText({ key, headers }: RawRecord): Record<string, string> {
  const kept = Object.entries(headers).flatMap(([name, value = []]) => {
    const values = Array.isArray(value) ? value : [value];
    const lossless = values.length < 2 && values.every(isText);
    return lossless ? [] : [[BYTES_OF + name, values.map(base64).join(',')] as const];
  });
  return { ...Object.fromEntries(kept), ...(key === null || isText(key) ? {} : { [KEY_BYTES]: base64(key) }) };
}

/** What the added headers say, or null when the record is no dead letter of ours. */
export function deadLetterFacts(record: RawRecord): DeadLetter | null {
  const headers = headersAsText(record.headers);
  const get = (name: string): string => headers[`${PREFIX}${name}`] ?? '';
  if (get('topic') === '') return null;
  return {
    topic: get('topic'),
    partition: Number(get('partition')),
    offset: Number(get('offset')),
    group: get('group'),
    code: get('code'),
    detail: get('detail'),
    step: get('step'),
    at: Date.parse(get('at')),
    replays: Number(headers['replays'] ?? 0),
  };
}

/** What must not travel with a replay: its number of tries begins anew, and its version would make it look like a repeat. */
const NOT_REPLAYED = new Set<string>([
  'replays',
  headerNames.attempt,
  headerNames.version,
  originHeader,
  replayForHeader,
]);

/** The original message, to be sent again to where it first came from; it says to whom, and how often that has been done. */
export function toReplay(record: RawRecord): SendableRecord | null {
  const facts = deadLetterFacts(record);
  if (facts === null) return null;
  const headers = headersAsText(record.headers);
  const kept = Object.entries(headers).flatMap(([name, text]): [string, SendableRecord['headers'][string]][] => {
    if (name.startsWith(PREFIX) || NOT_REPLAYED.has(name)) return [];
    const values = headers[BYTES_OF + name]?.split(',').map(fromBase64);
    const [only = text] = values ?? [];
    return [[name, values === undefined || values.length === 1 ? only : values]];
  });
  const keyBytes = headers[KEY_BYTES];
  return {
    // A stranger may not have us write where they please.
    topic: (facts.topic.endsWith(TIMER_TOPIC) ? headers[originHeader] : undefined) ?? facts.topic,
    key: keyBytes === undefined ? record.key : Buffer.from(keyBytes, 'base64'),
    value: record.value,
    headers: { ...Object.fromEntries(kept), replays: String(facts.replays + 1), [replayForHeader]: facts.group },
  };
}
