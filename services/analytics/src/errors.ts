/** Closed table of analytics' codes; README.md lists the same. */
import type { ApiErrorCode } from '@lead-flood/contracts';

export const errorCodes = {
  ANL_ERR_UNKNOWN_LEAD: 'not_found',
  ANL_ERR_UNKNOWN_JOB: 'not_found',
  // Never answered by a door: these two stand in dead letters.
  ANL_ERR_FOREIGN_ORG: 'internal_error',
  ANL_ERR_NOT_A_DEAD_LETTER: 'internal_error',
} as const satisfies Readonly<Record<string, ApiErrorCode>>;
