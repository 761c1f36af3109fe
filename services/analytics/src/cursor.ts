/** The place in a list: the sorted column's value and the row's id, so that rows which come meanwhile shift nothing. */
import { z } from 'zod';
import { CodedError, isId } from '@lead-flood/kernel';

export type Place = { readonly value: number; readonly id: string };

const shape = z.tuple([z.string(), z.number(), z.string().refine(isId)]);

/** `order` names the sort: a cursor means nothing in another one. */
export const toCursor = (order: string, { value, id }: Place): string =>
  Buffer.from(JSON.stringify([order, value, id])).toString('base64url');

/** Throws `ANL_ERR_BAD_CURSOR` for anything that `toCursor` did not write for this order. */
export function fromCursor(order: string, cursor: string): Place {
  const parsed = shape.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (!parsed.success || parsed.data[0] !== order) throw badCursor();
  return { value: parsed.data[1], id: parsed.data[2] };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badCursor();
  }
}

const badCursor = (): CodedError =>
  new CodedError('ANL_ERR_BAD_CURSOR', 'the cursor is not one of this list in this order');
