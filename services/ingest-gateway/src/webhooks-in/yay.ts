/**
 * Calls, as Yay reports them. Each organisation may have an account of its own; the secret that fits says whose call it
 * is, whatever the body names. Types of events that we do not know are kept raw and go no further (GW-21).
 */
import type { CallReported, YayBody } from '@lead-flood/contracts';
import { webhookRoutes, yayEventTypes } from '@lead-flood/contracts';
import { derivedId } from '@lead-flood/kernel';
import { defineSender } from './sender.ts';
import type { Account } from './signature.ts';
import { hmac } from './signature-schemes.ts';

export const yay = defineSender({
  name: 'yay',
  route: webhookRoutes.yayWebhook,
  bodies: ['json'],
  // An event has a kilobyte; each account's secret is tried over all of it.
  bytesMax: 65_536,
  eventId: { header: 'x-yay-event-id' },
  // The time is not part of what is signed (decision C-22), so it only bounds honest delays.
  scheme: hmac({ header: 'x-yay-signature', timestampHeader: 'x-yay-timestamp' }),
  accounts: ({ DEFAULT_ORG_ID: orgId, ...config }): readonly Account[] => [
    ...[config.YAY_WEBHOOK_SECRET, config.YAY_WEBHOOK_SECRET_PREVIOUS].flatMap((secret) =>
      secret === undefined ? [] : [{ orgId, secret }],
    ),
    ...config.YAY_WEBHOOK_SECRETS,
  ],
  read: ({ body, eventId, account: { orgId } }) => {
    const data = toCallReported(body, eventId, orgId);
    return data === null
      ? { outcome: 'ignored' }
      : { outcome: 'accepted', events: [{ name: 'CallReported', id: derivedId('yay', orgId, eventId), data }] };
  },
});

function toCallReported({ type, occurredAt, data }: YayBody, eventId: string, orgId: string): CallReported | null {
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
