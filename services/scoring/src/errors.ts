/** Closed table of scoring's codes; README.md lists the same. */
import type { ApiErrorCode } from '@lead-flood/contracts';

export const errorCodes: Readonly<Record<string, ApiErrorCode>> = {
  SCR_ERR_UNKNOWN_RULE: 'not_found',
};
