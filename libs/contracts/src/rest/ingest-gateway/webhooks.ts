/** What others post to us: calls by Yay, inbound mail. Signatures are headers and no part of these bodies. */
import { z } from 'zod';
import { timestamp } from '../fields.ts';
import { defineRoutes } from '../route.ts';
import { cleanTexts } from '../texts.ts';

export const yayEventTypes = [
  'call.started',
  'call.ringing',
  'call.answered',
  'call.ended',
  'call.failed',
  'call.recording_ready',
] as const;

const ourId = z.guid().toLowerCase();

/** Foreign shape: fields that we do not know are let through, since the provider may add some. */
export const yayBody = z.object({
  type: z.string().min(1).max(100),
  occurredAt: timestamp,
  data: z.object({
    callId: z.string().min(1).max(200),
    durationSeconds: z.int().min(0).max(86_400).optional(),
    recordingUrl: z.url().max(2_000).optional(),
    // Ours, as we have given them to the sender, who may spell them otherwise.
    metadata: z.object({ taskId: ourId.nullish(), callerId: ourId.nullish() }).optional(),
  }),
});
export type YayBody = z.infer<typeof yayBody>;

/** `raw` is an RFC 5322 message. */
export const mailBody = z.object({
  eventId: z.string().min(1).max(200),
  receivedAt: timestamp,
  // Cleaned, not refused: a wish for silence must not be lost for a NUL in what stands round it.
  raw: z.string().min(1).max(4_000_000).overwrite(cleanTexts),
});
export type MailBody = z.infer<typeof mailBody>;

export const webhookAnswer = z.strictObject({ status: z.enum(['accepted', 'duplicate', 'ignored', 'unmatched']) });

export const webhookRoutes = defineRoutes('ingest-gateway', {
  yayWebhook: {
    method: 'POST',
    path: '/webhooks/yay',
    summary: 'Call events; signed with x-yay-signature; 200 for a repeat',
    permission: 'public',
    body: yayBody,
    answer: webhookAnswer,
    status: 202,
    errors: ['invalid_payload', 'unauthorized', 'provider_not_configured'],
    rows: ['GW-20', 'GW-21', 'GW-22', 'GW-25'],
  },
  mailWebhook: {
    method: 'POST',
    path: '/webhooks/mail',
    summary: 'Inbound mail; signed with x-mail-signature; 200 for a repeat',
    permission: 'public',
    body: mailBody,
    answer: webhookAnswer,
    status: 202,
    errors: ['invalid_payload', 'unauthorized', 'provider_not_configured'],
    rows: ['GW-25'],
  },
});
