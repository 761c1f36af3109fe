/**
 * Ids: random ones for what starts a chain, derived ones for everything that follows from it. A derived id is the
 * same on every replay, so a consumer can recognise a repeat whatever happened in between.
 */
import { hash, randomUUID } from 'node:crypto';

export const randomId = (): string => randomUUID();

/** The organisation of what belongs to no tenant: the platform's own clocks. */
export const platformOrg = '00000000-0000-0000-0000-000000000000';

/** UUID version 8 (RFC 9562, free-form) over SHA-256 of the parts, so that it fits a `uuid` column. */
export function derivedId(...parts: readonly (string | number)[]): string {
  // The unit separator keeps ('a','bc') and ('ab','c') apart.
  const hex = hash('sha256', parts.join('\u001f'), 'hex');
  const variant = VARIANT_DIGITS.charAt(Number.parseInt(hex.charAt(16), 16));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The digit whose two highest bits are 10 and whose others are those of the digit at its place. */
const VARIANT_DIGITS = '89ab89ab89ab89ab';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a text is a UUID in the canonical lower-case form (the only form that we write). */
export const isId = (text: string): boolean => UUID.test(text);
