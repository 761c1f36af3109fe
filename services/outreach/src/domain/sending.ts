/** Whether a message may still go out when its turn comes, and what its fate means for the conversation. */
import type { MessageFailed, MessageSent, SendMessage } from '@lead-flood/contracts';
import type { Decision } from '@lead-flood/kernel';
import { apply, skip } from '@lead-flood/kernel';
import type { Conversation, MessageStatus } from './conversation.ts';
import { withMessage } from './conversation.ts';

export type Fate =
  | { readonly kind: 'sent'; readonly provider: string; readonly providerMessageId: string | null }
  | { readonly kind: 'failed'; readonly provider: string | null; readonly code: string; readonly detail: string }
  | { readonly kind: 'unknown'; readonly provider: string }
  | { readonly kind: 'suppressed'; readonly code: string };

export type Emitted =
  | { readonly name: 'MessageSent'; readonly data: MessageSent }
  | { readonly name: 'MessageFailed'; readonly data: MessageFailed };

/** Why the message must not be sent any more, or null when it may. */
export function obstacle(state: Conversation, command: SendMessage): string | null {
  if (state.suppressed !== null) return 'suppressed';
  if (command.enrollmentId !== null && state.enrollment?.status === 'STOPPED') return 'sequence_stopped';
  const message = state.messages.find((one) => one.id === command.messageId);
  return message !== undefined && message.status !== 'QUEUED' ? 'already_decided' : null;
}

const STATUS: Readonly<Record<Fate['kind'], MessageStatus>> = {
  sent: 'SENT',
  failed: 'FAILED',
  unknown: 'UNKNOWN',
  suppressed: 'SUPPRESSED',
};

export function recordFate(
  state: Conversation,
  command: SendMessage,
  fate: Fate,
  now: number,
): Decision<Conversation, Emitted> {
  const message = state.messages.find((one) => one.id === command.messageId);
  if (message !== undefined && message.status !== 'QUEUED') return skip('already_decided');
  const { orgId, leadId, messageId, threadId, sequenceId, stepNumber, channel } = command;
  const about = { orgId, leadId, messageId, threadId, sequenceId, stepNumber, channel };
  const next = withMessage(state, messageId, {
    status: STATUS[fate.kind],
    at: now,
    provider: fate.kind === 'suppressed' ? null : fate.provider,
    providerMessageId: fate.kind === 'sent' ? fate.providerMessageId : null,
    code: fate.kind === 'failed' || fate.kind === 'suppressed' ? fate.code : null,
    detail:
      fate.kind === 'failed' ? fate.detail : fate.kind === 'suppressed' ? (state.suppressed?.reason ?? null) : null,
  });
  if (fate.kind === 'sent') {
    const { provider, providerMessageId } = fate;
    return apply<Conversation, Emitted>(next, [
      { name: 'MessageSent', data: { ...about, provider, providerMessageId, sentAt: now } },
    ]);
  }
  const code = fate.kind === 'unknown' ? 'OUT_ERR_OUTCOME_UNKNOWN' : fate.code;
  const detail =
    fate.kind === 'failed'
      ? fate.detail
      : fate.kind === 'unknown'
        ? 'the transport’s answer was lost; a human should look'
        : (state.suppressed?.reason ?? '');
  return apply<Conversation, Emitted>(next, [
    { name: 'MessageFailed', data: { ...about, outcome: fate.kind, code, detail, failedAt: now } },
  ]);
}
