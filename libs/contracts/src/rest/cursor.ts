/**
 * The place in a list from which the next page goes on: the sorted column's value and the row's id, so that rows which
 * come meanwhile shift nothing. Clients carry it as an opaque text. The contract reads it, so a text that we did not
 * write for this very list is refused at the door: a first page instead would send a client round in a circle.
 */
import { z } from 'zod';

const CURSOR_CHARACTERS_MAX = 300;

export type Cursor<P extends readonly unknown[]> = {
  readonly write: (place: P) => string;
  /** The field of a query: text as it comes in, the place as the handler gets it. */
  readonly field: z.ZodType<P, string>;
};

/** `list` keeps the places of two lists apart. Every part of `place` must be bounded: Postgres is asked with it as it is. */
export function defineCursor<P extends readonly unknown[]>(list: string, place: z.ZodType<P>): Cursor<P> {
  const write = (values: P): string => toBase64url(JSON.stringify([list, ...values]));
  const read = (text: string): P | null => {
    const [name, ...values] = fromBase64url(text) ?? [];
    const parsed = place.safeParse(values);
    // One place has one spelling.
    return name === list && parsed.success && write(parsed.data) === text ? parsed.data : null;
  };
  const field = z
    .string()
    .max(CURSOR_CHARACTERS_MAX)
    .transform((text, ctx): P => {
      const found = read(text);
      if (found !== null) return found;
      ctx.issues.push({ code: 'custom', message: 'the cursor is not one of this list in this order', input: text });
      return z.NEVER;
    });
  return { write, field };
}

/** The end of the year 9999, up to which JavaScript and Postgres write a time in the same way. */
const TIME_MS_MAX = 253_402_300_799_999;

/** Milliseconds since 1970. */
export const cursorTime = z.int().min(0).max(TIME_MS_MAX);
/** What an `int4` holds. */
export const cursorInt = z.int().min(-2_147_483_648).max(2_147_483_647);
export const cursorId = z.uuid().regex(/^[0-9a-f-]+$/, 'not in lower case');

/** What we write is ASCII, which `btoa` takes. */
const toBase64url = (text: string): string => btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

function fromBase64url(text: string): readonly unknown[] | null {
  if (!/^[\w-]+$/.test(text)) return null;
  try {
    const values: unknown = JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/')));
    return Array.isArray(values) ? values : null;
  } catch {
    // Neither base64 nor JSON: nobody's cursor.
    return null;
  }
}
