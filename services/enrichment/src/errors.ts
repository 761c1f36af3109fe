/** Enrichment has no doors of its own yet, so no codes beside those of libs/provider. */
import type { ApiErrorCode } from '@lead-flood/contracts';

export const errorCodes = {} as const satisfies Readonly<Record<string, ApiErrorCode>>;
