// Plays the telephone provider: tells a webhook, in order and signed, what happened in a call that somebody made.
// Header names and event types are those of the operations manual (GW-20, GW-21); nobody is called.
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { AcceptLog } from './accept-log.ts';
import type { Deliveries } from './deliveries.ts';
import { deliverTo } from './settings.ts';

export const callOrder = z.strictObject({
  toPhone: z.string().regex(/^\+[1-9]\d{6,14}$/, 'not E.164'),
  callerId: z.string().min(1),
  taskId: z.string().min(1),
  answered: z.boolean(),
  durationSeconds: z.number().int().min(0).max(14_400),
  deliverTo,
});
export type CallOrder = z.infer<typeof callOrder>;

/** The number that calls show; reserved like all others. */
const ownNumber = '+442079460000';
const ringSeconds = 8;

/** Starts the events of one call and answers at once; each event is sent after the one before was taken. */
export function playCall(
  order: CallOrder,
  log: AcceptLog,
  deliveries: Deliveries,
): { callId: string; events: string[] } {
  const { toPhone, callerId, taskId, answered, durationSeconds } = order;
  // ids are random: the receiving side remembers them over many runs of the sandbox
  const callId = `call_${randomUUID()}`;
  const startedAt = Date.now();
  const talkSeconds = answered ? durationSeconds : 0;
  const events = [
    { type: 'call.started', second: 0 },
    { type: 'call.ringing', second: 1 },
    ...(answered ? [{ type: 'call.answered', second: ringSeconds }] : []),
    { type: 'call.ended', second: ringSeconds + talkSeconds },
  ];
  const letters = events.map(({ type, second }) => ({
    deliverTo: order.deliverTo,
    prefix: 'x-yay',
    eventId: `evt_${randomUUID()}`,
    body: {
      type,
      // the story is told faster than it happened, but its times are those of the call
      occurredAt: new Date(startedAt + second * 1000).toISOString(),
      data: {
        callId,
        from: ownNumber,
        to: toPhone,
        direction: 'outbound',
        metadata: { taskId, callerId },
        ...(type === 'call.ended' ? { durationSeconds: talkSeconds } : {}),
      },
    },
  }));
  log.accept({
    provider: 'yay',
    operation: 'call',
    subject: toPhone,
    idempotencyKey: taskId,
    outcome: answered ? 'answered' : 'unanswered',
    price: 0,
  });
  void deliveries.send(0, letters);
  return { callId, events: events.map(({ type }) => type) };
}
