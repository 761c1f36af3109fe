/** Closed table of scoring's codes; README.md lists the same. */
import type { ApiErrorCode } from '@lead-flood/contracts';

export const errorCodes = {
  SCR_ERR_UNKNOWN_ICP: 'not_found',
  SCR_ERR_UNKNOWN_RULE: 'not_found',
  SCR_ERR_TOO_MANY_RULES: 'conflict',
} as const satisfies Readonly<Record<string, ApiErrorCode>>;
