/** What Yay tells about a call, as our event (GW-21). Types that we do not know are kept raw and go no further. */
import type { CallReported, YayBody } from '@lead-flood/contracts';
import { yayEventTypes } from '@lead-flood/contracts';

export function toCallReported(
  { type, occurredAt, data }: YayBody,
  eventId: string,
  orgId: string,
): CallReported | null {
  if (!(yayEventTypes as readonly string[]).includes(type)) return null;
  return {
    orgId,
    eventId,
    type,
    callId: data.callId,
    taskId: data.metadata?.taskId ?? null,
    callerId: data.metadata?.callerId ?? null,
    occurredAt: Date.parse(occurredAt),
    durationSeconds: data.durationSeconds ?? null,
    recordingUrl: data.recordingUrl ?? null,
  };
}
