/** Inbound mail, by one account for all organisations: whose it is, the thread says that it answers. */
import { webhookRoutes } from '@lead-flood/contracts';
import { CodedError } from '@lead-flood/kernel';
import { createMailThreadIds } from '@lead-flood/service';
import type { MailThreadIds } from '@lead-flood/service';
import type { GatewayConfig } from '../config.ts';
import { toReply } from './mail-reply.ts';
import { defineSender } from './sender.ts';
import { hmac } from './signature-schemes.ts';

/** A file of 2.5 MB in base64, and the text beside it. Who has no secret can send as much: more would cost memory. */
const MAIL_BYTES_MAX = 4_194_304;

export const mail = defineSender({
  name: 'mail',
  route: webhookRoutes.mailWebhook,
  bodies: ['json'],
  // People attach files when they ask for silence, too.
  bytesMax: MAIL_BYTES_MAX,
  eventId: { header: 'x-mail-event-id' },
  scheme: hmac({ header: 'x-mail-signature', timestampHeader: 'x-mail-timestamp' }),
  accounts: ({ MAIL_WEBHOOK_SECRET: secret }) => (secret === undefined ? [] : [{ orgId: '', secret }]),
  read: async ({ body, eventId }, config) => {
    // The header is not signed; the body's is.
    if (body.eventId !== eventId)
      throw new CodedError('IGW_ERR_EVENT_ID_MISMATCH', 'x-mail-event-id is not the eventId of the body');
    const data = await toReply(body, threadReader(config));
    return data === null
      ? { outcome: 'unmatched' }
      : { outcome: 'accepted', events: [{ name: 'ReplyReceived', id: data.replyId, data }] };
  },
});

/** Without a secret no mail comes in (config.ts), so nothing can be ours. */
function threadReader(config: GatewayConfig): MailThreadIds['read'] {
  const { MAIL_THREAD_SECRET: secret, MAIL_THREAD_SECRET_PREVIOUS: previous, MAIL_DOMAIN: domain } = config;
  return secret === undefined ? () => null : createMailThreadIds({ secret, previous, domain }).read;
}
