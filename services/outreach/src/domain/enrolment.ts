/**
 * Whether a scored lead is written to. HIGH leads enrol in the active sequence by the best channel there is; every other
 * HIGH or LOW lead gets a stated reason. MEDIUM leads belong to call-allocation.
 */
import type { ContactSuppressed, LeadNotContacted, LeadScored, SendMessage } from '@lead-flood/contracts';
import type { Decision, Timer } from '@lead-flood/kernel';
import { apply, skip } from '@lead-flood/kernel';
import type { Conversation, Message } from './conversation.ts';
import { cooldownMs, queued, tellSilence } from './conversation.ts';

export type Step = {
  readonly stepNumber: number;
  readonly delayMs: number;
  readonly subject: string;
  readonly body: string;
};
export type Sequence = { readonly id: string; readonly steps: readonly Step[] };

/** `render` fills a step's templates with the lead's facts. */
export type EnrolmentFacts = {
  readonly sequence: Sequence | null;
  readonly suppressed: boolean;
  readonly render: (step: Step, lead: LeadScored) => { readonly subject: string; readonly body: string };
};

export type Emitted =
  | { readonly name: 'SendMessage'; readonly data: SendMessage }
  | { readonly name: 'LeadNotContacted'; readonly data: LeadNotContacted }
  | { readonly name: 'ContactSuppressed'; readonly data: ContactSuppressed };

type Ids = { readonly now: number; readonly id: (n: number | string) => string };

export function considerLead(
  state: Conversation,
  lead: LeadScored,
  facts: EnrolmentFacts,
  ctx: Ids,
): Decision<Conversation, Emitted> {
  if (lead.band === 'MEDIUM') return skip('band_medium');
  if (state.enrollment?.status === 'ACTIVE') return skip('already_enrolled');
  if (state.mergedInto !== null) return decline(state, lead, 'merged', ctx);
  if (lead.band === 'LOW') return decline(state, lead, 'band_low', ctx);
  if (state.suppressed !== null || facts.suppressed) return decline(state, lead, 'suppressed', ctx);
  if (state.firstTouchAt !== null && ctx.now - state.firstTouchAt < cooldownMs) {
    return decline({ ...state, cooldown: { id: ctx.id('cooldown'), kind: 'ENFORCED' } }, lead, 'cooldown', ctx);
  }
  const channel = channelFor(lead);
  if (channel === null) return decline(state, lead, 'no_channel', ctx);
  if (facts.sequence === null || facts.sequence.steps.length === 0)
    return decline(state, lead, 'no_active_sequence', ctx);
  return enrol(state, lead, facts.sequence, channel, facts.render, ctx);
}

/** A verified address first; WhatsApp where there is only a number. */
const channelFor = ({ person, emailStatus }: LeadScored): 'email' | 'whatsapp' | null =>
  person.email !== null && emailStatus === 'verified' ? 'email' : person.phone === null ? null : 'whatsapp';

function decline(state: Conversation, lead: LeadScored, reason: string, ctx: Ids): Decision<Conversation, Emitted> {
  const { orgId, leadId, person } = lead;
  const next = { ...state, person };
  return apply<Conversation, Emitted>(next, [
    { name: 'LeadNotContacted', data: { orgId, leadId, reason, decidedAt: ctx.now } },
    ...tellSilence(state, next, { orgId, leadId, now: ctx.now }),
  ]);
}

function enrol(
  state: Conversation,
  lead: LeadScored,
  sequence: Sequence,
  channel: string,
  render: EnrolmentFacts['render'],
  ctx: Ids,
): Decision<Conversation, Emitted> {
  const thread = state.thread ?? { id: ctx.id('thread'), status: 'OPEN' as const, channel };
  const enrollmentId = ctx.id('enrollment');
  const messages: Message[] = [];
  const commands = sequence.steps.map((step): { dueAt: number; event: Extract<Emitted, { name: 'SendMessage' }> } => {
    const { subject, body } = render(step, lead);
    const messageId = ctx.id(`message/${step.stepNumber}`);
    messages.push(
      queued(messageId, { channel, stepNumber: step.stepNumber, subject, body, at: ctx.now + step.delayMs }),
    );
    const data: SendMessage = {
      orgId: lead.orgId,
      leadId: lead.leadId,
      messageId,
      threadId: thread.id,
      enrollmentId,
      sequenceId: sequence.id,
      stepNumber: step.stepNumber,
      channel,
      person: lead.person,
      subject: channel === 'email' ? subject : null,
      body,
      inReplyTo: null,
      firstTouch: step.stepNumber === 1,
      submittedAt: lead.submittedAt,
      requestedAt: ctx.now,
    };
    return { dueAt: ctx.now + step.delayMs, event: { name: 'SendMessage', data } };
  });
  const next: Conversation = {
    ...state,
    person: lead.person,
    thread,
    messages: [...state.messages, ...messages],
    firstTouchAt: ctx.now,
    enrollment: { id: enrollmentId, sequenceId: sequence.id, status: 'ACTIVE', stoppedBy: null },
  };
  const due = commands.filter((command) => command.dueAt <= ctx.now).map((command) => command.event);
  const later: Timer<Emitted>[] = commands.filter((command) => command.dueAt > ctx.now);
  return apply<Conversation, Emitted>(next, due, later);
}
