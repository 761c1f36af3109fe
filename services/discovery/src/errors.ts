/** Closed table of discovery's codes; README.md lists the same. */
import type { ApiErrorCode } from '@lead-flood/contracts';

export const errorCodes = {
  DSC_ERR_INVALID_LEAD: 'invalid_payload',
  DSC_ERR_LEAD_EXISTS: 'lead_exists',
  DSC_ERR_UNKNOWN_ICP: 'not_found',
  DSC_ERR_UNKNOWN_LEAD: 'not_found',
} as const satisfies Readonly<Record<string, ApiErrorCode>>;
