/** Fields that many contracts share. */
import { z } from 'zod';

export const id = z.uuid();
export const countryIso = z
  .string()
  .length(2)
  .regex(/^[A-Z]{2}$/, 'two capital letters, ISO 3166-1 alpha-2');
export const timestamp = z.iso.datetime({ offset: true });
export const cursor = z.string().max(200);
export const pageLimit = z.coerce.number().int().min(1).max(100).default(25);
/** Page of a list: `nextCursor` is null on the last one. */
export const page = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() });
