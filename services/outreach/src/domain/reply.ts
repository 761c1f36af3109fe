/** What becomes of an answer, of a manual reply, and of a call outcome that ends all contact. */
import type {
  CallTaskCompleted,
  ConsentRecorded,
  ContactSuppressed,
  MessageReplied,
  ReplyReceived,
  SendMessage,
} from '@lead-flood/contracts';
import type { Decision } from '@lead-flood/kernel';
import { apply, reject, skip } from '@lead-flood/kernel';
import type { Conversation, Message } from './conversation.ts';
import { queued, stop, suppress, tellSilence } from './conversation.ts';

export type Intent = 'interested' | 'not-now' | 'unsubscribe' | 'out-of-office' | 'other';
export type Emitted =
  | { readonly name: 'MessageReplied'; readonly data: MessageReplied }
  | { readonly name: 'SendMessage'; readonly data: SendMessage }
  | { readonly name: 'ContactSuppressed'; readonly data: ContactSuppressed };

type Ids = { readonly now: number; readonly id: (n: number | string) => string };

/** Rules, in order of what must not be missed: a wish for silence outweighs everything else in the text. */
const INTENTS: readonly (readonly [Intent, RegExp])[] = [
  [
    'unsubscribe',
    /\b(unsubscribe|opt out|stop (writing|contacting|emailing)|remove me|take me off|do not (contact|write)|don['’]t (contact|write))\b/i,
  ],
  ['out-of-office', /\b(out of (the )?office|on leave|on vacation|on holiday|away until|automatic reply)\b/i],
  [
    'not-now',
    /\b(not (now|at the moment|this (quarter|year))|no budget|next (quarter|year)|later|another time|not interested)\b/i,
  ],
  [
    'interested',
    /\b(interested|sounds good|tell me more|call me|let['’]s (talk|meet)|happy to|send (me )?more|book)\b/i,
  ],
];

/** Where mail programs begin to quote what is answered; our own sentence about unsubscribing often stands there. */
const QUOTE =
  /^(?:>|-{2,} ?original message ?-{2,}|_{10,}|on .{5,200} wrote:|am .{5,200} schrieb .{1,200}:|le .{5,200} a écrit ?:|from: .+)/i;

/** What the person has written, without what is quoted below it. */
export function freshText(text: string): string {
  const lines = text.split(/\r?\n/);
  const quoteAt = lines.findIndex((line) => QUOTE.test(line.trim()));
  return (quoteAt === -1 ? lines : lines.slice(0, quoteAt)).join('\n').trim();
}

export const intentOf = (text: string): Intent =>
  INTENTS.find(([, pattern]) => pattern.test(freshText(text)))?.[0] ?? 'other';

export function receiveReply(state: Conversation, reply: ReplyReceived, ctx: Ids): Decision<Conversation, Emitted> {
  if (state.messages.some((message) => message.id === reply.replyId)) return skip('known_reply');
  const thread = state.thread ?? { id: ctx.id('thread'), status: 'OPEN' as const, channel: reply.channel };
  const intent = intentOf(reply.text);
  const received: Message = {
    id: reply.replyId,
    direction: 'IN',
    channel: reply.channel,
    stepNumber: 0,
    status: 'RECEIVED',
    subject: reply.subject,
    body: reply.text,
    provider: null,
    providerMessageId: reply.transportMessageId,
    code: null,
    detail: intent,
    at: reply.receivedAt,
  };
  const heard: Conversation = {
    ...state,
    thread: { ...thread, status: 'OPEN' },
    messages: [...state.messages, received],
  };
  // An automatic reply is nobody's answer: the sequence goes on.
  const next =
    intent === 'unsubscribe'
      ? suppress(heard, 'unsubscribed')
      : intent === 'out-of-office'
        ? heard
        : stop(heard, 'replied');
  const { orgId, leadId, messageId, replyId, channel, receivedAt } = reply;
  return apply<Conversation, Emitted>(next, [
    {
      name: 'MessageReplied',
      data: { orgId, leadId, messageId, threadId: thread.id, replyId, channel, intent, repliedAt: receivedAt },
    },
    ...tellSilence(state, next, { orgId, leadId, now: ctx.now }),
  ]);
}

export function endContact(state: Conversation, call: CallTaskCompleted, now: number): Decision<Conversation, Emitted> {
  if (call.outcome !== 'NEVER_CONTACT_AGAIN') return skip('outcome_without_effect');
  const next = suppress(state, 'never_contact_again');
  return apply<Conversation, Emitted>(next, tellSilence(state, next, { ...call, now }));
}

/** Who may not be contacted by what was said when they were handed in is not, whatever comes later. */
export function hearConsent(
  state: Conversation,
  { orgId, leadId, person, refuses }: ConsentRecorded,
  now: number,
): Decision<Conversation, Emitted> {
  if (!refuses) return skip('contact_allowed');
  const next = suppress({ ...state, person: state.person ?? person }, 'consent_refused');
  return apply<Conversation, Emitted>(next, tellSilence(state, next, { orgId, leadId, now }));
}

/** What the person wrote last; where that has no id, or they have not written yet, what we wrote last. */
const answered = (messages: readonly Message[]): string | null =>
  messages.findLast((message) => message.direction === 'IN')?.providerMessageId ??
  messages.findLast((message) => message.status === 'SENT')?.providerMessageId ??
  null;

export type ReplyManually = { readonly orgId: string; readonly leadId: string; readonly body: string };

/** Exempt from the cooldown: it answers somebody (decision C-18). Not exempt from a wish for silence. */
export function replyManually(
  state: Conversation,
  { orgId, leadId, body }: ReplyManually,
  { suppressed }: { readonly suppressed: boolean },
  ctx: Ids,
): Decision<Conversation, Emitted> {
  if (state.thread === null || state.person === null)
    return reject('OUT_ERR_UNKNOWN_THREAD', 'there is no such thread');
  if (state.suppressed !== null || suppressed)
    return reject('OUT_ERR_SUPPRESSED', 'the person asked not to be contacted');
  const messageId = ctx.id('manual');
  if (state.messages.some((message) => message.id === messageId)) return skip('known_reply');
  const last = state.messages.findLast((message) => message.direction === 'IN');
  const subject = last?.subject ?? state.messages[0]?.subject ?? null;
  const { thread, person } = state;
  const data: SendMessage = {
    orgId,
    leadId,
    messageId,
    threadId: thread.id,
    enrollmentId: null,
    sequenceId: null,
    stepNumber: 0,
    channel: thread.channel,
    person,
    subject: thread.channel === 'email' ? subject : null,
    body,
    inReplyTo: answered(state.messages),
    firstTouch: false,
    submittedAt: ctx.now,
    requestedAt: ctx.now,
  };
  const message = queued(messageId, { channel: thread.channel, stepNumber: 0, subject, body, at: ctx.now });
  return apply<Conversation, Emitted>({ ...stop(state, 'manual_reply'), messages: [...state.messages, message] }, [
    { name: 'SendMessage', data },
  ]);
}
