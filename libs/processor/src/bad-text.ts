/**
 * Texts that two readers would not see alike, found before anybody compares them: NUL (Postgres has none), half of a
 * surrogate pair (UTF-8 has none), an id of ours in another spelling (a `uuid` column gives it back in ours), and on
 * topics that outsiders write what is longer than an index takes. Any of them would make a look-up miss what the insert
 * then meets, in every try.
 */
import { isId } from '@lead-flood/kernel';
import { isStorable } from '@lead-flood/postgres';

/** Of what becomes part of a key: with four bytes a character it fits an index entry (2,704 bytes). */
const OPEN_CHARACTERS_MAX = 500;
/** What people write: an answer of a mail is bounded by its door. */
const PROSE_CHARACTERS_MAX = 1_000_000;
const PROSE = new Set(['text', 'html', 'note', 'body']);
/** Ids that others have given: theirs to spell. */
const FOREIGN_IDS = new Set([
  'externalId',
  'callId',
  'eventId',
  'transportMessageId',
  'providerMessageId',
  'inReplyTo',
]);

/** The first such text, named by its field, never by its value; null where all are good. */
export function badTextIn(value: unknown, open: boolean, field = ''): string | null {
  if (typeof value === 'string') return badText(value, open, field);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return null;
  const isList = Array.isArray(value);
  for (const [name, inner] of Object.entries(value)) {
    // Names of a map are somebody's words too.
    const found = (isList ? null : badText(name, open, field)) ?? badTextIn(inner, open, isList ? field : name);
    if (found !== null) return found;
  }
  return null;
}

function badText(text: string, open: boolean, field: string): string | null {
  if (!isStorable(text)) return `${field}: NUL or half of a character`;
  if (open && text.length > (PROSE.has(field) ? PROSE_CHARACTERS_MAX : OPEN_CHARACTERS_MAX))
    return `${field}: too long`;
  return /Ids?$/.test(field) && !FOREIGN_IDS.has(field) && isOtherSpelling(text)
    ? `${field}: not as we write it`
    : null;
}

/** Of a record's key; on most topics it is an id of ours. */
export const badKey = (key: string): string | null =>
  isStorable(key) && !isOtherSpelling(key) ? null : 'key: not as we write it';

/** Postgres reads a UUID in capitals, in braces, with other hyphens or none. */
function isOtherSpelling(text: string): boolean {
  if (text.length < 32 || text.length > 45 || isId(text)) return false;
  const digits = text.replaceAll(/[{}\-\s]/g, '');
  return digits.length === 32 && /^[0-9a-f]+$/i.test(digits);
}
