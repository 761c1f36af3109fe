/** Fields that many contracts share. */
import { z } from 'zod';

/** In our spelling, whatever the client's: columns of uuid and texts in keys are then compared alike. */
export const id = z.uuid().toLowerCase();
export const countryIso = z
  .string()
  .length(2)
  .regex(/^[A-Z]{2}$/, 'two capital letters, ISO 3166-1 alpha-2');

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
export const cursor = z.string().max(200);
export const pageLimit = z.coerce.number().int().min(1).max(100).default(25);
/** Page of a list: `nextCursor` is null on the last one. */
export const page = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() });
