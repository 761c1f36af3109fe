/** The place in a list: the sorted column's value and the row's id, so that rows which come meanwhile shift nothing. */
import { z } from 'zod';
import { CodedError, isId } from '@lead-flood/kernel';

export type Place = { readonly value: number; readonly id: string };

/** The last moment that both a Date and a timestamptz have. */
const TIME_MAX = 253_402_300_799_999;
/** -1 stands for what has no value yet. */
const shape = z.tuple([z.string(), z.int().min(-1).max(TIME_MAX), z.string().refine(isId)]);

/** `order` names the sort: a cursor means nothing in another one. */
export const toCursor = (order: string, { value, id }: Place): string =>
  Buffer.from(JSON.stringify([order, value, id])).toString('base64url');

/** Throws `ANL_ERR_BAD_CURSOR` for anything that `toCursor` did not write for this order. */
export function fromCursor(order: string, cursor: string, valueMax = TIME_MAX): Place {
  const parsed = shape.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (!parsed.success || parsed.data[0] !== order || parsed.data[1] > valueMax) throw badCursor();
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
