/** By which ways messages leave. */
import { z } from 'zod';

export const config = z.object({
  SMTP_URL: z.string().optional().describe('smtp://host:port of the mail server; no e-mail without it.'),
  MAIL_FROM: z.email().optional().describe('Sender address; no e-mail without it.'),
  MAIL_FROM_NAME: z.string().max(80).optional().describe('Sender name.'),
  MAIL_DOMAIN: z
    .string()
    .default('mail.lead-flood.example')
    .describe('Right side of our Message-IDs; the gateway reads replies by the same one.'),
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
