/** The log of each call, by what the telephony provider reports. */
import { topics } from '@lead-flood/contracts';
import { derivedId } from '@lead-flood/kernel';
import type { BatchProcessor } from '@lead-flood/processor';
import type { CallLog } from './domain.ts';
import { initialCall, logCall } from './domain.ts';
import { callLogs } from './store.ts';

const reads = [topics['ingest.call.v1']] as const;
const writes = [topics['call-allocation.call.v1']] as const;

export const calls: BatchProcessor<CallLog, typeof reads, typeof writes> = {
  group: 'call-allocation-calls',
  reads: reads,
  writes: writes,
  store: callLogs,
  initial: () => initialCall,
  keyOf: ({ orgId, data }) => derivedId('call', orgId, data.callId),
  decide: { CallReported: (state, { data }) => logCall(state, data) },
};
