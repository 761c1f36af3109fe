/** What every way of reaching a person is made to look like: one message out, accepted or refused. */
import type { BreakerState } from '@lead-flood/provider';

export type OutgoingMessage = {
  /** Ours, the same on every try; mail makes its Message-ID of it. */
  readonly messageId: string;
  readonly to: { readonly email: string | null; readonly phone: string | null; readonly name: string | null };
  readonly subject: string | null;
  /** Plain text. */
  readonly body: string;
  /** Message-ID of the mail that this one answers. */
  readonly inReplyTo: string | null;
  readonly replyTo: string | null;
};

/**
 * Closed, for decisions and metric labels. `no-address`: the person cannot be reached on this channel; `bad-address`:
 * the other side or the form says that nobody is there; `bad-header`: a field that may not go into a header;
 * `not-authorised`: our key or login; `rejected`: the other side does not want this message.
 */
export type RefusalCode = 'no-address' | 'bad-address' | 'bad-header' | 'not-authorised' | 'rejected';

export type SendResult =
  | { readonly kind: 'accepted'; readonly providerMessageId: string | null }
  | {
      readonly kind: 'refused';
      readonly code: RefusalCode;
      /** For the operator; without the message's text, but it may name the recipient. */
      readonly detail: string;
    };

export type SendContext = { readonly signal: AbortSignal; readonly idempotencyKey: string };

export type Transport = {
  readonly channel: 'email' | 'whatsapp';
  /** `smtp`, `trengo`: for attempts and metrics. */
  readonly provider: string;
  /** Throws TransientError for what may pass; `ambiguous` when the message may have gone out all the same. */
  readonly send: (message: OutgoingMessage, ctx: SendContext) => Promise<SendResult>;
  readonly breakerState: () => BreakerState;
  readonly stop: () => Promise<void>;
};

/** RFC 5322's atoms and nothing that could end a header line; other people's mail programs use all of them. */
const MESSAGE_ID = /^<?[\w.!#$%&'*+/=?^`{|}~-]+@[\w.:[\]-]+>?$/;
const MESSAGE_ID_LENGTH_MAX = 250;

export const isMessageId = (text: string | null): text is string =>
  text !== null && text.length <= MESSAGE_ID_LENGTH_MAX && MESSAGE_ID.test(text);

export const refuse = (code: RefusalCode, detail: string): SendResult => ({ kind: 'refused', code, detail });
