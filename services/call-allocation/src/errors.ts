/** Closed table of call-allocation's codes; README.md lists the same. */
import type { ApiErrorCode } from '@lead-flood/contracts';

export const errorCodes = {
  CAL_ERR_UNKNOWN_TASK: 'not_found',
  CAL_ERR_UNKNOWN_CALLER: 'not_found',
  CAL_ERR_CALLER_EXISTS: 'conflict',
  CAL_ERR_CALLER_RESTRICTED: 'conflict',
  CAL_ERR_CALLER_AWAY: 'conflict',
  CAL_ERR_TASK_TAKEN: 'conflict',
  CAL_ERR_SUPPRESSED: 'conflict',
  CAL_ERR_OUTSIDE_HOURS: 'conflict',
  CAL_ERR_NOT_PARKED: 'not_found',
  CAL_ERR_INVALID_TRANSITION: 'invalid_transition',
} as const satisfies Readonly<Record<string, ApiErrorCode>>;
