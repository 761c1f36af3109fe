/**
 * Signed posts from outside: hex HMAC-SHA256 of the raw bytes, a time, an event id. The time is not part of what is
 * signed (decision C-22), so it only bounds honest delays; replays are stopped by the store of event ids.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { CodedError } from '@lead-flood/kernel';

export type SignedHeaders = { readonly signature: unknown; readonly timestamp: unknown; readonly eventId: unknown };

const SKEW_SECONDS_MAX = 300;
const HEX_DIGEST = /^[0-9a-f]{64}$/i;
const EVENT_ID = /^[\w.:-]{1,200}$/;
const SECONDS = /^\d{9,11}$/;

/** The event's id. Throws a code of its own for each way of being wrong, so that an integrator sees which (GW-25). */
export function verifySignature(
  raw: Buffer,
  headers: SignedHeaders,
  secrets: readonly (string | undefined)[],
  now: number,
): string {
  const accepted = secrets.filter((secret) => secret !== undefined);
  if (accepted.length === 0)
    throw new CodedError('IGW_ERR_WEBHOOK_NOT_CONFIGURED', 'this webhook has no secret configured');
  const { signature, timestamp, eventId } = headers;
  if (
    typeof signature !== 'string' ||
    typeof timestamp !== 'string' ||
    typeof eventId !== 'string' ||
    !EVENT_ID.test(eventId)
  ) {
    throw new CodedError('IGW_ERR_SIGNATURE_MISSING', 'send signature, timestamp and event id as headers');
  }
  // The signature before the clock: an unsigned post must not learn what our clock says.
  if (!HEX_DIGEST.test(signature) || !accepted.some((secret) => isSignature(raw, signature, secret))) {
    throw new CodedError('IGW_ERR_SIGNATURE_MISMATCH', 'the signature is not that of these bytes with our secret');
  }
  if (!SECONDS.test(timestamp) || Math.abs(now / 1_000 - Number(timestamp)) > SKEW_SECONDS_MAX) {
    throw new CodedError(
      'IGW_ERR_CLOCK_SKEW',
      `the timestamp is more than ${SKEW_SECONDS_MAX} seconds away from our clock`,
    );
  }
  return eventId;
}

export const signatureOf = (raw: Buffer, secret: string): string =>
  createHmac('sha256', secret).update(raw).digest('hex');

const isSignature = (raw: Buffer, signature: string, secret: string): boolean =>
  timingSafeEqual(createHmac('sha256', secret).update(raw).digest(), Buffer.from(signature, 'hex'));
