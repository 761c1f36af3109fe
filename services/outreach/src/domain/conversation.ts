/** A conversation with one lead: the enrolment, the thread, its messages, and whether the person wants silence. */
import type { ContactSuppressed, Person } from '@lead-flood/contracts';
import { addressKeysOf } from '@lead-flood/kernel';

export type MessageStatus = 'QUEUED' | 'SENT' | 'FAILED' | 'UNKNOWN' | 'SUPPRESSED' | 'RECEIVED';

export type Message = {
  readonly id: string;
  readonly direction: 'OUT' | 'IN';
  readonly channel: string;
  readonly stepNumber: number;
  readonly status: MessageStatus;
  readonly subject: string | null;
  readonly body: string;
  readonly provider: string | null;
  readonly providerMessageId: string | null;
  readonly code: string | null;
  readonly detail: string | null;
  readonly at: number;
};

export type Enrollment = {
  readonly id: string;
  readonly sequenceId: string;
  readonly status: 'ACTIVE' | 'STOPPED';
  readonly stoppedBy: string | null;
};

export type Thread = { readonly id: string; readonly status: 'OPEN' | 'CLOSED' | 'ARCHIVED'; readonly channel: string };

export type Conversation = {
  readonly person: Person | null;
  readonly enrollment: Enrollment | null;
  readonly thread: Thread | null;
  readonly messages: readonly Message[];
  readonly suppressed: { readonly reason: string } | null;
  /** The lead that this one turned out to be; that one is written to. */
  readonly mergedInto: string | null;
  /** Last new first touch; the cooldown counts from it. */
  readonly firstTouchAt: number | null;
  readonly cooldown: { readonly id: string; readonly kind: 'ENFORCED' | 'OVERRIDDEN' } | null;
};

export const initialState: Conversation = {
  person: null,
  enrollment: null,
  thread: null,
  messages: [],
  suppressed: null,
  mergedInto: null,
  firstTouchAt: null,
  cooldown: null,
};

export const cooldownMs = 30 * 86_400_000;

/** The message with its new facts; the others as they were. */
export const withMessage = (state: Conversation, id: string, changes: Partial<Message>): Conversation => ({
  ...state,
  messages: state.messages.map((message) => (message.id === id ? { ...message, ...changes } : message)),
});

export const stop = (state: Conversation, by: string): Conversation =>
  state.enrollment === null || state.enrollment.status === 'STOPPED'
    ? state
    : { ...state, enrollment: { ...state.enrollment, status: 'STOPPED', stoppedBy: by } };

/** For ever, on every channel (OU-20). */
export const suppress = (state: Conversation, reason: string): Conversation => ({
  ...stop(state, reason),
  suppressed: state.suppressed ?? { reason },
});

type Silenced = { readonly name: 'ContactSuppressed'; readonly data: ContactSuppressed };
const nobody: Person = {
  firstName: null,
  lastName: null,
  fullName: null,
  email: null,
  phone: null,
  linkedinUrl: null,
  title: null,
};

/** What others must hear of the step: that the person wants silence, or by which further addresses they are reached. */
export function tellSilence(
  before: Conversation,
  after: Conversation,
  { orgId, leadId, now }: { readonly orgId: string; readonly leadId: string; readonly now: number },
): readonly Silenced[] {
  if (after.suppressed === null) return [];
  const known = new Set(before.suppressed === null ? [] : addressKeysOf(before.person).map(({ value }) => value));
  const isNews = before.suppressed === null || addressKeysOf(after.person).some(({ value }) => !known.has(value));
  if (!isNews) return [];
  const data = { orgId, leadId, person: after.person ?? nobody, reason: after.suppressed.reason, suppressedAt: now };
  return [{ name: 'ContactSuppressed', data }];
}

/** No wish for silence: under the other lead the person may be written to. */
export const merge = (state: Conversation, into: string): Conversation => ({
  ...stop(state, 'merged'),
  mergedInto: into,
});

export const queued = (
  id: string,
  facts: Pick<Message, 'channel' | 'stepNumber' | 'subject' | 'body' | 'at'>,
): Message => ({
  id,
  direction: 'OUT',
  status: 'QUEUED',
  provider: null,
  providerMessageId: null,
  code: null,
  detail: null,
  ...facts,
});
