/** Fields that many contracts share. */
import { z } from 'zod';

/** In our spelling, whatever the client's: columns of uuid and texts in keys are then compared alike. */
export const id = z.uuid().toLowerCase();

const YEAR_1 = Date.parse('0001-01-01T00:00:00Z');
const YEAR_10000 = Date.parse('+010000-01-01T00:00:00Z');

/** Postgres has no year 0 and no offset of 16 hours or more, and counts decimals: it gets the same moment in our spelling. */
const inOurSpelling = (text: string): string => {
  const at = Date.parse(text);
  return Number.isNaN(at) ? text : new Date(at).toISOString();
};
export const timestamp = z.iso
  .datetime({ offset: true })
  .refine((text) => Date.parse(text) >= YEAR_1 && Date.parse(text) < YEAR_10000, 'is not between the years 1 and 9999')
  .overwrite(inOurSpelling);
const NOTES_MAX = 100;
const NOTES_BYTES_MAX = 16_384;

/** Whether notes of others' naming are few and small enough to go wherever a lead goes. */
export function areNotesBounded(notes: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(notes);
  if (entries.length > NOTES_MAX) return false;
  const bytes = entries.reduce((sum, [name, text]) => sum + encoder.encode(name + text).length, 0);
  return bytes <= NOTES_BYTES_MAX;
}
const encoder = new TextEncoder();
export const notesBound = `at most ${NOTES_MAX} fields and ${NOTES_BYTES_MAX} bytes in sum`;
export const notes = z.record(z.string().min(1).max(60), z.string().max(500)).refine(areNotesBounded, notesBound);

export const pageLimit = z.coerce.number().int().min(1).max(100).default(25);
/** Page of a list: `nextCursor` is null on the last one. */
export const page = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() });
