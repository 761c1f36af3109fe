/** By which ways messages leave. */
import { z } from 'zod';

const settings = z.object({
  SMTP_URL: z.string().optional().describe('smtp://host:port of the mail server; no e-mail without it.'),
  MAIL_FROM: z.email().optional().describe('Sender address; no e-mail without it.'),
  MAIL_FROM_NAME: z.string().max(80).optional().describe('Sender name.'),
  MAIL_DOMAIN: z
    .string()
    .default('mail.lead-flood.example')
    .describe('Right side of our Message-IDs; the gateway reads replies by the same one.'),
  MAIL_THREAD_SECRET: z
    .string()
    .min(32)
    .optional()
    .describe('Signs our Message-IDs; shared with the gateway, which finds threads by it. Required with SMTP_URL.'),
  SMTP_CONNECTIONS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(8)
    .describe('Pooled connections to the mail server.'),
  TRENGO_API_KEY: z.string().optional().describe('WhatsApp through Trengo; not configured without it.'),
  TRENGO_BASE_URL: z.url().optional().describe('Base address; Trengo’s public one by default.'),
  TRENGO_TEMPLATE_ID: z.coerce.number().int().optional().describe('Approved WhatsApp template for first messages.'),
  OUTREACH_PRIVATE_PROVIDERS: z
    .stringbool()
    .default(false)
    .describe('Whether transports may live at private addresses (the sandbox does).'),
  OUTREACH_SEND_IN_FLIGHT_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(64)
    .describe('Messages under way at once (S3’s 8 is the floor of a replica).'),
  OUTREACH_SEND_DEADLINE_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .default(30_000)
    .describe('Most milliseconds of one send.'),
});

export const config = settings.refine((c) => c.SMTP_URL === undefined || c.MAIL_THREAD_SECRET !== undefined, {
  message: 'no answer would find its thread without it',
  path: ['MAIL_THREAD_SECRET'],
});
