/** Closed table of the gateway's codes and the envelope's code of each; README.md lists the same. */
import type { ApiErrorCode } from '@lead-flood/contracts';

export const errorCodes = {
  IGW_ERR_NO_CREDENTIAL: 'unauthorized',
  IGW_ERR_BAD_TOKEN: 'unauthorized',
  IGW_ERR_BAD_API_KEY: 'unauthorized',
  IGW_ERR_SESSION_ENDED: 'unauthorized',
  IGW_ERR_WRONG_PASSWORD: 'unauthorized',
  IGW_ERR_LOCKED: 'rate_limited',
  IGW_ERR_TOO_MANY_ATTEMPTS: 'rate_limited',
  IGW_ERR_REFRESH_INVALID: 'unauthorized',
  IGW_ERR_REFRESH_REUSED: 'unauthorized',
  IGW_ERR_CSRF: 'forbidden',
  IGW_ERR_ROLE: 'forbidden',
  IGW_ERR_SCOPE: 'forbidden',
  IGW_ERR_MINT_NOT_ALLOWED: 'forbidden',
  IGW_ERR_RATE_LIMITED: 'rate_limited',
  IGW_ERR_BAD_IDEMPOTENCY_KEY: 'invalid_payload',
  IGW_ERR_IDEMPOTENCY_IN_PROGRESS: 'idempotency_conflict',
  IGW_ERR_IDEMPOTENCY_MISMATCH: 'idempotency_mismatch',
  IGW_ERR_UPSTREAM_UNAVAILABLE: 'unavailable',
  IGW_ERR_NO_FILE: 'invalid_payload',
  IGW_ERR_FILE_TOO_LARGE: 'payload_too_large',
  IGW_ERR_TOO_MANY_ROWS: 'payload_too_large',
  IGW_ERR_CSV_HEADER: 'invalid_payload',
  IGW_ERR_CSV_BROKEN: 'invalid_payload',
  IGW_ERR_UNKNOWN_UPLOAD: 'not_found',
  IGW_ERR_SIGNATURE_MISSING: 'unauthorized',
  IGW_ERR_SIGNATURE_MISMATCH: 'unauthorized',
  IGW_ERR_CLOCK_SKEW: 'unauthorized',
  IGW_ERR_EVENT_ID_MISMATCH: 'invalid_payload',
  IGW_ERR_WEBHOOK_NOT_CONFIGURED: 'provider_not_configured',
  IGW_ERR_NO_DOCS: 'not_found',
  IGW_ERR_CONFIG: 'internal_error',
} as const satisfies Readonly<Record<`IGW_ERR_${Uppercase<string>}`, ApiErrorCode>>;

export type GatewayErrorCode = keyof typeof errorCodes;
