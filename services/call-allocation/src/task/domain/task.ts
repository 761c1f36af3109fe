/**
 * A call task (SM-11).
 *
 *   PENDING ─assign─▶ ASSIGNED ─call.started─▶ DIALING ─outcome─▶ COMPLETED
 *      ▲                 │  │                     │
 *      └──── requeue ────┘  └────── outcome ──────┼─▶ COMPLETED
 *      └──────────────── requeue ─────────────────┘        any open one ─suppressed, merge─▶ CANCELLED
 *
 * A COMPLETED one whose outcome asks for another call (CA-10) comes back to PENDING by a timer.
 */
import type {
  CallReported,
  CallTaskAssigned,
  CallTaskCompleted,
  CallTaskCreated,
  CallTaskDeclined,
  CallTaskRequeued,
  ContactSuppressed,
  LeadMerged,
  LeadScored,
  OfferTask,
  RecallTask,
} from '@lead-flood/contracts';
import type { AddressKey, Decision, Timer } from '@lead-flood/kernel';
import { addressKeysOf, apply, reject, skip } from '@lead-flood/kernel';
import type { Area } from './calling-hours.ts';
import { isOpen } from './calling-hours.ts';

export const taskStatuses = [
  'PENDING',
  'ASSIGNED',
  'DIALING',
  'COMPLETED',
  'EXPIRED',
  'CANCELLED',
  'RESTRICTED',
] as const;
export type TaskStatus = (typeof taskStatuses)[number];
export const outcomes = ['INTERESTED_SIGNUP_LINK_SENT', 'RETRYABLE_REJECTION', 'NEVER_CONTACT_AGAIN'] as const;
export type Outcome = (typeof outcomes)[number];

/** Outcomes after which the person is called once more, and after how long. */
export type RecallPolicy = { readonly retryMs: number; readonly chaseMs: number; readonly recallsMax: number };

/** Where the called party is and which language it speaks, as far as a number tells. */
export type Region = Area & { readonly languageCode: string };

export type Open = {
  readonly kind: 'task';
  readonly status: TaskStatus;
  readonly leadId: string;
  readonly projectId: string | null;
  readonly fullName: string | null;
  readonly phone: string;
  /** As suppression knows the person, whoever's lead it stands under. */
  readonly email: string | null;
  readonly company: string | null;
  readonly region: Region;
  readonly priority: number;
  /** The lead's score: of two tasks the better lead is called first. */
  readonly rank: number;
  readonly queuedAt: number;
  readonly callerId: string | null;
  readonly outcome: Outcome | null;
  readonly requeueReason: string | null;
  /** A timer runs that brings the task back; it follows this completion. */
  readonly recallOf: number | null;
  /** How often it has come back that way. */
  readonly recalls: number;
  /** Why nobody calls for it any more. */
  readonly cancelledBy: 'unsubscribed' | 'suppressed' | 'merged' | null;
  /** What is known of a person who wants silence: no lead with one of these addresses is called. */
  readonly silent: readonly AddressKey[];
};

export type Task =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'declined';
      readonly leadId: string;
      readonly reason: string;
      readonly silent: readonly AddressKey[];
    }
  | Open;

export const initialState: Task = { kind: 'none' };

export type Emitted =
  | { readonly name: 'CallTaskCreated'; readonly data: CallTaskCreated }
  | { readonly name: 'CallTaskAssigned'; readonly data: CallTaskAssigned }
  | { readonly name: 'CallTaskCompleted'; readonly data: CallTaskCompleted }
  | { readonly name: 'CallTaskRequeued'; readonly data: CallTaskRequeued }
  | { readonly name: 'CallTaskDeclined'; readonly data: CallTaskDeclined }
  | { readonly name: 'RecallTask'; readonly data: RecallTask };

export type Facts = {
  readonly taskId: string;
  readonly region: Region | null;
  /** The person has asked for silence, under this lead or any other with one of their addresses. */
  readonly suppressed: boolean;
  /** The task was found for the caller of an offer, who holds none. */
  readonly offered: boolean;
  /** Of whom a task is to be assigned to: whoever is away is given none. */
  readonly callerIsActive: boolean;
};

export function considerLead(state: Task, lead: LeadScored, facts: Facts, now: number): Decision<Task, Emitted> {
  if (lead.band !== 'MEDIUM') return skip('not_medium');
  if (state.kind === 'task') return skip('has_task');
  const { orgId, leadId, projectId } = lead;
  const { phone } = lead.person;
  const isMerged = state.kind === 'declined' && state.reason === 'merged';
  const reason = isMerged
    ? 'merged'
    : phone === null
      ? 'no_phone'
      : facts.suppressed
        ? 'suppressed'
        : facts.region === null
          ? 'no_region'
          : null;
  if (phone === null || facts.region === null || reason !== null) {
    return apply<Task, Emitted>({ kind: 'declined', leadId, reason: reason ?? 'no_phone', silent: silentIn(state) }, [
      {
        name: 'CallTaskDeclined',
        data: { orgId, leadId, taskId: facts.taskId, reason: reason ?? 'no_phone', decidedAt: now },
      },
    ]);
  }
  const { regionIso, languageCode } = facts.region;
  const task: Open = {
    kind: 'task',
    status: 'PENDING',
    leadId,
    projectId,
    phone,
    email: lead.person.email,
    fullName: lead.person.fullName,
    company: lead.company.name,
    region: facts.region,
    priority: 0,
    rank: lead.value,
    queuedAt: now,
    callerId: null,
    outcome: null,
    requeueReason: null,
    recallOf: null,
    recalls: 0,
    cancelledBy: null,
    silent: [],
  };
  return apply<Task, Emitted>(task, [
    {
      name: 'CallTaskCreated',
      data: { orgId, leadId, taskId: facts.taskId, projectId, regionIso, languageCode, priority: 0, createdAt: now },
    },
  ]);
}

const silentIn = (state: Task): readonly AddressKey[] => (state.kind === 'none' ? [] : state.silent);

/** Whoever asked for silence, in whatever way and under whatever lead, is not called either. */
export function hearSuppression(state: Task, { leadId, person }: ContactSuppressed): Decision<Task, Emitted> {
  const silent = merged(silentIn(state), addressKeysOf(person));
  if (state.kind !== 'task') return apply<Task, Emitted>({ kind: 'declined', leadId, reason: 'suppressed', silent });
  const isOver = state.status === 'CANCELLED' || (state.status === 'COMPLETED' && state.recallOf === null);
  if (isOver) return apply<Task, Emitted>({ ...state, silent });
  return apply<Task, Emitted>({ ...state, status: 'CANCELLED', recallOf: null, cancelledBy: 'suppressed', silent });
}

const merged = (known: readonly AddressKey[], more: readonly AddressKey[]): readonly AddressKey[] => [
  ...known,
  ...more.filter(({ value }) => !known.some((key) => key.value === value)),
];

/** The lead is somebody who is known as another lead: that one is called, and nobody twice. */
export function hearMerge(state: Task, { mergedLeadId }: LeadMerged): Decision<Task, Emitted> {
  if (state.kind !== 'task')
    return apply<Task, Emitted>({ kind: 'declined', leadId: mergedLeadId, reason: 'merged', silent: silentIn(state) });
  const isOver = state.status === 'CANCELLED' || (state.status === 'COMPLETED' && state.recallOf === null);
  if (isOver) return skip('merge_without_effect');
  // Whoever is on the telephone may finish the call and say how it went.
  const status = state.status === 'DIALING' ? 'DIALING' : 'CANCELLED';
  return apply<Task, Emitted>({ ...state, status, recallOf: null, cancelledBy: 'merged' });
}

export function hearCall(state: Task, call: CallReported): Decision<Task, Emitted> {
  if (call.type !== 'call.started' || state.kind !== 'task' || state.status !== 'ASSIGNED')
    return skip('call_without_effect');
  return apply<Task, Emitted>({ ...state, status: 'DIALING' });
}

type Command = { readonly orgId: string; readonly taskId: string };
export type AssignTask = Command & { readonly callerId: string };
export type ReportOutcome = Command & { readonly callerId: string; readonly outcome: Outcome };
export type RequeueTask = Command & { readonly reason: string };

const unknown = () => reject('CAL_ERR_UNKNOWN_TASK', 'there is no such task');
const invalid = (status: TaskStatus, move: string) =>
  reject('CAL_ERR_INVALID_TRANSITION', `a task that is ${status} cannot be ${move}`);

export function assign(
  state: Task,
  command: AssignTask,
  { callerIsActive, suppressed }: Pick<Facts, 'callerIsActive' | 'suppressed'>,
  now: number,
): Decision<Task, Emitted> {
  if (!callerIsActive) return reject('CAL_ERR_CALLER_AWAY', 'the caller is given no tasks');
  if (suppressed) return reject('CAL_ERR_SUPPRESSED', 'the person asked not to be contacted');
  return give(state, command, now);
}

function give(state: Task, { orgId, taskId, callerId }: AssignTask, now: number): Decision<Task, Emitted> {
  if (state.kind !== 'task') return unknown();
  if (state.status !== 'PENDING') return reject('CAL_ERR_TASK_TAKEN', 'somebody else holds the task');
  if (!isOpen(state.region, now)) return reject('CAL_ERR_OUTSIDE_HOURS', 'nobody may be called there at this hour');
  return apply<Task, Emitted>({ ...state, status: 'ASSIGNED', callerId }, [
    { name: 'CallTaskAssigned', data: { orgId, leadId: state.leadId, taskId, callerId, assignedAt: now } },
  ]);
}

/** By the clock: the same move as when the caller asks, and nothing where there is nothing to give. */
export function offer(
  state: Task,
  { orgId, callerId }: OfferTask,
  { taskId, offered, suppressed }: Facts,
  now: number,
): Decision<Task, Emitted> {
  if (!offered) return skip('nothing_to_offer');
  if (suppressed) return skip('suppressed');
  if (state.kind !== 'task' || state.status !== 'PENDING') return skip('task_taken');
  // The hours may have ended since the clock struck.
  if (!isOpen(state.region, now)) return skip('outside_hours');
  return give(state, { orgId, taskId, callerId }, now);
}

export function report(
  state: Task,
  { orgId, taskId, callerId, outcome }: ReportOutcome,
  policy: RecallPolicy,
  now: number,
): Decision<Task, Emitted> {
  // Somebody else's task is not there for this caller.
  if (state.kind !== 'task' || state.callerId !== callerId) return unknown();
  if (state.status !== 'ASSIGNED' && state.status !== 'DIALING') return invalid(state.status, 'completed');
  const { leadId } = state;
  const mayRecall = state.cancelledBy === null && state.recalls < policy.recallsMax;
  const recall = mayRecall ? recallAfter(outcome, policy) : null;
  const timers: Timer<Emitted>[] =
    recall === null
      ? []
      : [
          {
            dueAt: now + recall.delayMs,
            event: { name: 'RecallTask', data: { orgId, leadId, taskId, reason: recall.reason, completedAt: now } },
          },
        ];
  return apply<Task, Emitted>(
    {
      ...state,
      status: 'COMPLETED',
      outcome,
      recallOf: recall === null ? null : now,
      silent: outcome === 'NEVER_CONTACT_AGAIN' ? merged(state.silent, addressKeysOf(state)) : state.silent,
    },
    [{ name: 'CallTaskCompleted', data: { orgId, leadId, taskId, callerId, outcome, completedAt: now } }],
    timers,
  );
}

/** What an outcome asks for (CA-10): somebody who declined for now, or who got the link and may not have used it. */
function recallAfter(outcome: Outcome, { retryMs, chaseMs }: RecallPolicy): { reason: string; delayMs: number } | null {
  if (outcome === 'RETRYABLE_REJECTION') return { reason: 'retryable_rejection', delayMs: retryMs };
  return outcome === 'INTERESTED_SIGNUP_LINK_SENT' ? { reason: 'signup_chase', delayMs: chaseMs } : null;
}

/** The timer has come: whoever may still be called is PENDING again. */
export function recall(
  state: Task,
  { orgId, taskId, reason, completedAt }: RecallTask,
  facts: Facts,
  now: number,
): Decision<Task, Emitted> {
  if (state.kind !== 'task' || state.status !== 'COMPLETED' || state.recallOf !== completedAt)
    return skip('recall_without_effect');
  if (facts.suppressed) return apply<Task, Emitted>({ ...state, recallOf: null });
  const next: Open = {
    ...state,
    status: 'PENDING',
    callerId: null,
    outcome: null,
    queuedAt: now,
    requeueReason: reason,
    recallOf: null,
    recalls: state.recalls + 1,
  };
  return apply<Task, Emitted>(next, [
    { name: 'CallTaskRequeued', data: { orgId, leadId: state.leadId, taskId, reason, requeuedAt: now } },
  ]);
}

export function requeue(state: Task, { orgId, taskId, reason }: RequeueTask, now: number): Decision<Task, Emitted> {
  if (state.kind !== 'task') return unknown();
  if (state.status === 'PENDING' || state.status === 'COMPLETED' || state.status === 'CANCELLED')
    return invalid(state.status, 'requeued');
  // A merged lead whose call is still under way: afterwards nobody calls it.
  if (state.cancelledBy !== null) return invalid('CANCELLED', 'requeued');
  return apply<Task, Emitted>({ ...state, status: 'PENDING', callerId: null, queuedAt: now, requeueReason: reason }, [
    { name: 'CallTaskRequeued', data: { orgId, leadId: state.leadId, taskId, reason, requeuedAt: now } },
  ]);
}
