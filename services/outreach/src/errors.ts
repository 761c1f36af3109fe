/** Closed table of outreach's codes; README.md lists the same. */
import type { ApiErrorCode } from '@lead-flood/contracts';

export const errorCodes = {
  OUT_ERR_UNKNOWN_THREAD: 'not_found',
  OUT_ERR_SUPPRESSED: 'conflict',
  OUT_ERR_OUTCOME_UNKNOWN: 'unavailable',
  OUT_ERR_CHANNEL_NOT_CONFIGURED: 'provider_not_configured',
  OUT_ERR_EXHAUSTED: 'unavailable',
} as const satisfies Readonly<Record<string, ApiErrorCode>>;
