/**
 * Ids: random ones for what starts a chain, derived ones for everything that follows from it. A derived id is the
 * same on every replay, so a consumer can recognise a repeat whatever happened in between.
 */
import { createHash, randomUUID } from 'node:crypto';

export const randomId = (): string => randomUUID();

/** UUID version 8 (RFC 9562, free-form) over SHA-256 of the parts, so that it fits a `uuid` column. */
export function derivedId(...parts: readonly (string | number)[]): string {
  // The unit separator keeps ('a','bc') and ('ab','c') apart.
  const hash = createHash('sha256').update(parts.join('\u001f')).digest();
  hash[6] = (hash.readUInt8(6) & 0x0f) | 0x80;
  hash[8] = (hash.readUInt8(8) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a text is a UUID in the canonical lower-case form (the only form that we write). */
export const isId = (text: string): boolean => UUID.test(text);
