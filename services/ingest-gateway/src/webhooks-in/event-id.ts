/** By which id an event is known again when it is sent again. */
import { createHash } from 'node:crypto';
import { CodedError } from '@lead-flood/kernel';

export type EventIdSource =
  | { readonly header: string }
  /** Fields of the body; several where one alone is not unique (Twilio: a message and its status). */
  | { readonly body: readonly (readonly string[])[] }
  /** The sender has none, or one post carries several: the same bytes are the same event. */
  | 'bytes';

const EVENT_ID = /^[\w.:-]{1,200}$/;

export function findEventId(
  source: EventIdSource,
  post: { readonly raw: Buffer; readonly headers: Readonly<Record<string, unknown>>; readonly body: unknown },
): string {
  if (source === 'bytes') return createHash('sha256').update(post.raw).digest('hex');
  const id =
    'header' in source ? post.headers[source.header] : source.body.map((path) => textAt(post.body, path)).join(':');
  if (typeof id !== 'string' || !EVENT_ID.test(id))
    throw new CodedError(
      'IGW_ERR_EVENT_ID_MISSING',
      'header' in source ? `send ${source.header}` : `send ${source.body.map((path) => path.join('.')).join(' and ')}`,
    );
  return id;
}

function textAt(body: unknown, path: readonly string[]): string {
  let value = body;
  for (const name of path)
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as Record<string, unknown>)[name]
        : null;
  // A blank is refused by the pattern of ids.
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ' ';
}
