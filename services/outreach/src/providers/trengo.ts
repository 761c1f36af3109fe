/**
 * WhatsApp through Trengo (https://developers.trengo.com/reference/start-a-conversation). It knows no idempotency key,
 * so an answer that was lost leaves the message in doubt and nothing here sends it again.
 */
import { TransientError } from '@lead-flood/kernel';
import { createProvider } from '@lead-flood/provider';
import type { CallResult, ProviderOptions } from '@lead-flood/provider';
import { z } from 'zod';
import { refuse } from './transport.ts';
import type { SendResult, Transport } from './transport.ts';

export type TrengoOptions = Omit<ProviderOptions, 'name' | 'baseUrl'> & {
  readonly apiKey: string;
  /** Default `https://app.trengo.com`. */
  readonly baseUrl?: string;
  /**
   * The approved WhatsApp template (hsm) whose one variable takes the text: WhatsApp wants one for a first message.
   * Without it the text goes as it is, which reaches only people whose session is open.
   */
  readonly templateId?: number;
  /** Millionths of a US dollar for an accepted message; default 75,000. */
  readonly priceMicros?: number;
};

const answerSchema = z.object({ message: z.object({ id: z.union([z.number(), z.string()]) }) });
const refusalSchema = z.object({ errors: z.record(z.string(), z.unknown()) });
const e164 = z.string().regex(/^\+[1-9]\d{6,14}$/);

export function createTrengo(options: TrengoOptions): Transport {
  const { apiKey, templateId, priceMicros = 75_000, baseUrl = 'https://app.trengo.com', ...rest } = options;
  const provider = createProvider({ ...rest, name: 'trengo', baseUrl });
  return {
    channel: 'whatsapp',
    provider: 'trengo',
    async send({ to, body }, { signal, idempotencyKey }) {
      if (to.phone === null) return refuse('no-address', 'no phone number');
      if (!e164.safeParse(to.phone).success) return refuse('bad-address', 'not an E.164 number');
      const content =
        templateId === undefined
          ? { message: body }
          : { hsm_id: templateId, params: [{ type: 'body', key: '{{1}}', value: body }] };
      const answer = await provider.call({
        operation: 'wa-session',
        method: 'POST',
        path: '/api/v2/wa_sessions',
        headers: { authorization: `Bearer ${apiKey}`, 'idempotency-key': idempotencyKey },
        json: { recipient_phone_number: to.phone, ...content },
        schema: answerSchema,
        signal,
        repeatable: false,
        price: () => priceMicros,
      });
      return answer.kind === 'ok'
        ? { kind: 'accepted', providerMessageId: String(answer.data.message.id) }
        : readRefusal(answer);
    },
    breakerState: provider.breakerState,
    stop: provider.stop,
  };
}

function readRefusal({ status, body = '' }: Extract<CallResult<unknown>, { kind: 'refused' }>): SendResult {
  if (status === 401 || status === 402 || status === 403) return refuse('not-authorised', `trengo answered ${status}`);
  // a redirect is no answer to this message: nothing was sent, and the base URL is wrong
  if (status < 400) throw new TransientError('PRV_ERR_FAILED', `trengo answered ${status}`, { details: { status } });
  const fields = refusalFields(body);
  const isNumber = fields.includes('recipient_phone_number');
  return refuse(
    isNumber ? 'bad-address' : 'rejected',
    `trengo answered ${status}${fields.length > 0 ? `: ${fields.join(', ')}` : ''}`,
  );
}

/** Laravel's list of fields at fault; their texts stay out, they may quote the message. */
function refusalFields(body: string): readonly string[] {
  try {
    const read = refusalSchema.safeParse(JSON.parse(body));
    return read.success ? Object.keys(read.data.errors) : [];
  } catch {
    // not JSON, or longer than what is kept of it: the status alone has to do
    return [];
  }
}
