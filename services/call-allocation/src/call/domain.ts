/** One call, put together from what the telephony provider reports in whatever order it arrives. */
import type { CallLogged, CallReported } from '@lead-flood/contracts';
import type { Decision } from '@lead-flood/kernel';
import { apply, skip } from '@lead-flood/kernel';

export type CallLog = {
  readonly callId: string;
  readonly taskId: string | null;
  readonly callerId: string | null;
  readonly events: readonly { readonly eventId: string; readonly type: string; readonly at: number }[];
  readonly answered: boolean;
  readonly durationSeconds: number | null;
  readonly recordingUrl: string | null;
  readonly endedAt: number | null;
};

export const initialCall: CallLog = {
  callId: '',
  taskId: null,
  callerId: null,
  events: [],
  answered: false,
  durationSeconds: null,
  recordingUrl: null,
  endedAt: null,
};

export type Emitted = { readonly name: 'CallLogged'; readonly data: CallLogged };

const FINAL = new Set(['call.ended', 'call.failed']);

export function logCall(state: CallLog, report: CallReported): Decision<CallLog, Emitted> {
  if (state.events.some((event) => event.eventId === report.eventId)) return skip('known_event');
  const { orgId, callId, type, occurredAt } = report;
  const ends = FINAL.has(type) && state.endedAt === null;
  const next: CallLog = {
    callId,
    taskId: report.taskId ?? state.taskId,
    callerId: report.callerId ?? state.callerId,
    events: [...state.events, { eventId: report.eventId, type, at: occurredAt }],
    answered: state.answered || type === 'call.answered',
    durationSeconds: report.durationSeconds ?? state.durationSeconds,
    recordingUrl: report.recordingUrl ?? state.recordingUrl,
    endedAt: ends ? occurredAt : state.endedAt,
  };
  if (!ends) return apply<CallLog, Emitted>(next);
  const result = type === 'call.failed' ? 'failed' : next.answered ? 'answered' : 'no-answer';
  const { taskId, callerId, durationSeconds } = next;
  return apply<CallLog, Emitted>(next, [
    {
      name: 'CallLogged',
      data: { orgId, callId, taskId, leadId: null, callerId, result, durationSeconds, endedAt: occurredAt },
    },
  ]);
}
