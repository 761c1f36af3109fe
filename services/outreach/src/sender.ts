/** Sends one message by its channel's transport, at most once: an answer that was lost is "unknown", never sent again. */
import type { SendMessage } from '@lead-flood/contracts';
import type { Step } from '@lead-flood/processor';
import type { MailThreadIds } from '@lead-flood/service';
import type { Conversation } from './domain/conversation.ts';
import type { Fate } from './domain/sending.ts';
import { obstacle } from './domain/sending.ts';
import { isMessageId } from './providers/transport.ts';
import type { Transport } from './providers/transport.ts';

export type Sender = (
  state: Conversation,
  command: SendMessage,
  step: Step,
  facts: { readonly suppressed: boolean },
) => Promise<Fate>;

/** `idOf`: what a reply must lead back to, without an address in it. */
export function createSender(
  transports: Readonly<Record<string, Transport | null>>,
  idOf: MailThreadIds['write'],
): Sender {
  return async (state, command, step, { suppressed }) => {
    const code = obstacle(state, command) ?? (suppressed ? 'suppressed' : null);
    if (code !== null) return { kind: 'suppressed', code };
    const transport = transports[command.channel] ?? null;
    if (transport === null)
      return { kind: 'failed', provider: null, code: 'OUT_ERR_CHANNEL_NOT_CONFIGURED', detail: command.channel };
    const { person } = command;
    const sent = await step.once('send', (ctx) =>
      transport.send(
        {
          messageId: idOf(command),
          to: { email: person.email, phone: person.phone, name: person.fullName },
          subject: command.subject,
          body: command.body,
          // An id that no header can carry costs the threading, never the message.
          inReplyTo: isMessageId(command.inReplyTo) ? command.inReplyTo : null,
          replyTo: null,
        },
        ctx,
      ),
    );
    if (!sent.known) return { kind: 'unknown', provider: transport.provider };
    const { value } = sent;
    return value.kind === 'accepted'
      ? { kind: 'sent', provider: transport.provider, providerMessageId: value.providerMessageId }
      : { kind: 'failed', provider: transport.provider, code: value.code, detail: '' };
  };
}
