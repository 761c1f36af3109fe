/** An inbound mail as a reply to one of our messages, when it is one. */
import PostalMime from 'postal-mime';
import type { Address } from 'postal-mime';
import type { MailBody, ReplyReceived } from '@lead-flood/contracts';
import { derivedId } from '@lead-flood/kernel';
import { readHtml } from './html-text.ts';
import type { MailThreadIds } from '@lead-flood/service';
import { dropFiles } from './mail-source.ts';
import { bareMessageId, findThread } from './mail-thread.ts';

/** Enough of an answer for anybody to act on; a mail may have megabytes. */
const TEXT_MAX = 20_000;
/** Style sheets and pictures within stand before the first word in many a mail program's HTML. */
const HTML_MAX = 500_000;
const SUBJECT_MAX = 500;

/** Null: it answers nothing of ours. */
export async function toReply(
  { eventId, receivedAt, raw }: MailBody,
  read: MailThreadIds['read'],
): Promise<ReplyReceived | null> {
  const mail = await PostalMime.parse(dropFiles(raw));
  const thread = findThread({ inReplyTo: mail.inReplyTo ?? null, references: mail.references ?? null }, read);
  if (thread === null) return null;
  const { address, name } = mailbox(mail.from);
  return {
    orgId: thread.orgId,
    leadId: thread.leadId,
    replyId: derivedId('mail', eventId),
    channel: 'email',
    messageId: thread.messageId,
    transportMessageId: bareMessageId(mail.messageId ?? null),
    receivedAt: Date.parse(receivedAt),
    person: {
      firstName: null,
      lastName: null,
      fullName: name,
      email: address,
      phone: null,
      linkedinUrl: null,
      title: null,
    },
    subject: mail.subject?.slice(0, SUBJECT_MAX) ?? null,
    text: (mail.text ?? readHtml(mail.html ?? '', { lengthMax: TEXT_MAX, htmlMax: HTML_MAX })).slice(0, TEXT_MAX),
  };
}

function mailbox(from: Address | undefined): { address: string | null; name: string | null } {
  if (from === undefined || from.address === undefined || from.address === '') return { address: null, name: null };
  return { address: from.address, name: from.name === '' ? null : from.name };
}
