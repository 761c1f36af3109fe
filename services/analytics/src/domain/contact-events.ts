/** What outreach and call-allocation tell: messages, answers, calls, and why there were none. */
import type {
  CallTaskAssigned,
  CallTaskCompleted,
  CallTaskCreated,
  CallTaskDeclined,
  CallTaskRequeued,
  LeadNotContacted,
  MessageFailed,
  MessageReplied,
  MessageSent,
} from '@lead-flood/contracts';
import type { Calls, LeadDocument, Outreach } from './document.ts';
import { increment, later } from './document.ts';
import type { Told } from './projection.ts';
import { endWith } from './stage.ts';

const outreach = (state: LeadDocument, changes: Partial<Outreach>): Pick<LeadDocument, 'outreach'> => ({
  outreach: { ...state.outreach, ...changes },
});

const calls = (state: LeadDocument, changes: Partial<Calls>): Pick<LeadDocument, 'calls'> => ({
  calls: { ...state.calls, ...changes },
});

const disqualify = (state: LeadDocument, at: number, reason: string): Pick<LeadDocument, 'ending'> => ({
  ending: endWith(state.ending, { at, stage: 'DISQUALIFIED', reason }),
});

export const sent = (state: LeadDocument, { channel, stepNumber, sentAt }: MessageSent): Told => ({
  at: sentAt,
  note: `Message ${stepNumber} sent by ${channel}.`,
  changes: outreach(state, {
    sent: state.outreach.sent + 1,
    lastMessageAt: Math.max(state.outreach.lastMessageAt ?? 0, sentAt),
    notContacted: null,
  }),
});

export const failed = (state: LeadDocument, data: MessageFailed): Told => ({
  at: data.failedAt,
  note: `Message ${data.stepNumber} by ${data.channel}: ${data.outcome} (${data.code}).`,
  // What an answer has made superfluous has not failed.
  changes:
    data.outcome === 'suppressed'
      ? outreach(state, { withheld: (state.outreach.withheld ?? 0) + 1 })
      : outreach(state, { failed: state.outreach.failed + 1 }),
});

export const replied = (state: LeadDocument, { channel, intent, repliedAt }: MessageReplied): Told => ({
  at: repliedAt,
  note: `Answered by ${channel}: ${intent}.`,
  changes: {
    ...outreach(state, { replies: state.outreach.replies + 1 }),
    // A machine that says "I am away" is counted and is no answer of the person.
    replied: state.replied || intent !== 'out-of-office',
    ...(intent === 'unsubscribe' ? disqualify(state, repliedAt, 'unsubscribed') : {}),
  },
});

/** Only suppression is for good; a band, a cooldown or a missing channel may change. */
export const notContacted = (state: LeadDocument, { reason, decidedAt }: LeadNotContacted): Told => ({
  at: decidedAt,
  note: `Not contacted: ${reason}.`,
  changes: {
    ...outreach(state, { notContacted: reason }),
    ...(reason === 'suppressed' ? disqualify(state, decidedAt, reason) : {}),
  },
});

export const taskCreated = (state: LeadDocument, data: CallTaskCreated): Told => ({
  at: data.createdAt,
  note: `A call was asked for (${data.regionIso}, ${data.languageCode}).`,
  changes: calls(state, { tasks: state.calls.tasks + 1 }),
});

export const taskAssigned = (_state: LeadDocument, data: CallTaskAssigned): Told => ({
  at: data.assignedAt,
  note: 'A caller took the call.',
  changes: {},
});

export const taskRequeued = (_state: LeadDocument, data: CallTaskRequeued): Told => ({
  at: data.requeuedAt,
  note: `The call is back in the queue: ${data.reason}.`,
  changes: {},
});

export function taskCompleted(state: LeadDocument, { outcome, completedAt: at }: CallTaskCompleted): Told {
  const { outcomes, last } = state.calls;
  const interested = outcome === 'INTERESTED_SIGNUP_LINK_SENT';
  return {
    at,
    note: `Called: ${outcome}.`,
    changes: {
      ...calls(state, { outcomes: increment(outcomes, outcome), last: later(last, { at, what: outcome }) }),
      ...(interested ? { ending: endWith(state.ending, { at, stage: 'CONVERTED', reason: null }) } : {}),
      ...(outcome === 'NEVER_CONTACT_AGAIN' ? disqualify(state, at, 'never_contact_again') : {}),
    },
  };
}

export function taskDeclined(state: LeadDocument, { reason, decidedAt: at }: CallTaskDeclined): Told {
  const { declines, declined } = state.calls;
  return {
    at,
    note: `No call: ${reason}.`,
    changes: calls(state, { declines: increment(declines, reason), declined: later(declined, { at, what: reason }) }),
  };
}
