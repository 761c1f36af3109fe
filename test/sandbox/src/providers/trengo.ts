// Trengo's WhatsApp conversations. Shape from https://developers.trengo.com/reference/start-a-conversation and
// /docs/rate-limiting, and from public callers that read `message.ticket_id` of the answer; errors are Laravel's.
// Trengo documents templates (hsm_id) here; the free `message` is ours, for a session that is already open.
import { z } from 'zod';
import type { ProviderRoute, Reply } from '../door.ts';
import { fraction, hash } from '../seed.ts';
import { bearer } from './reading.ts';

const body = z.object({
  recipient_phone_number: z.string().optional(),
  ticket_id: z.coerce.number().int().positive().optional(),
  hsm_id: z.coerce.number().int().positive().optional(),
  message: z.string().min(1).optional(),
  params: z.array(z.object({ type: z.string().optional(), key: z.string(), value: z.string() })).optional(),
});

export const trengoSession: ProviderRoute = {
  provider: 'trengo',
  operation: 'wa_sessions',
  method: 'POST',
  path: '/trengo/api/v2/wa_sessions',
  key: bearer,
  answer(ask, settings, seed, serial) {
    const read = body.safeParse(ask.body);
    if (!read.success) return invalid(fieldErrors(read.error));
    const { recipient_phone_number: asked, ticket_id: ticket, hsm_id: hsmId, message, params } = read.data;
    if (hsmId === undefined && message === undefined) return invalid({ hsm_id: ['The hsm id field is required.'] });
    if (asked === undefined && ticket === undefined) {
      return invalid({
        recipient_phone_number: ['The recipient phone number field is required when ticket id is not present.'],
      });
    }
    const phone = asked?.replace(/[^\d+]/g, '');
    if (phone !== undefined && !/^\+?[1-9]\d{6,14}$/.test(phone)) {
      return invalid({ recipient_phone_number: ['The recipient phone number format is invalid.'] });
    }
    // with and without the plus: one person
    const subject = phone === undefined ? `ticket ${ticket}` : `+${phone.replace('+', '')}`;
    if (fraction(`${seed} trengo ${subject}`) >= settings.hitRate) {
      return invalid({ recipient_phone_number: ['The recipient phone number is not a valid WhatsApp number.'] });
    }
    // one ticket a person, as an open conversation
    const ticketId = ticket === undefined ? 700_000_000 + (hash(subject) % 100_000_000) : ticket;
    return {
      kind: 'accepted',
      subject,
      outcome: 'sent',
      status: 200,
      body: {
        message: {
          id: 2_000_000_000 + serial,
          ticket_id: ticketId,
          type: 'OUTBOUND',
          body_type: hsmId === undefined ? 'TEXT' : 'HSM',
          message: message ?? `template ${hsmId}: ${(params ?? []).map(({ value }) => value).join(', ')}`,
          delivery_status: 'PENDING',
          created_at: new Date().toISOString(),
          contact: { id: hash(`contact ${subject}`) % 100_000_000, phone: subject },
        },
      },
      price: settings.pricePerHit,
    };
  },
  refuse(refusal) {
    if (refusal === 'wrong-key') return { message: 'Unauthenticated.' };
    return { message: refusal === 'rate-limited' ? 'Too Many Attempts.' : 'Server Error' };
  },
};

function fieldErrors(error: z.ZodError): Record<string, string[]> {
  return Object.fromEntries(
    error.issues.map(({ path, message }) => [path.length === 0 ? 'body' : path.join('.'), [message]]),
  );
}

function invalid(errors: Record<string, string[]>): Reply {
  return { kind: 'invalid', status: 422, body: { message: 'The given data was invalid.', errors } };
}
