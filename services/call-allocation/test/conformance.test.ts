/** Both processors of call-allocation under the suite that every processor passes. */
import { join } from 'node:path';
import { batchProcessor } from '@lead-flood/processor';
import type { TestEvent } from '@lead-flood/testing';
import { conformance, sampleId, sampleOrg, samplePerson, sampleScored, testNow } from '@lead-flood/testing';
import { calls, createCallAllocation } from '../src/processor.ts';

const migrations = join(import.meta.dirname, '../migrations');
const policy = { retryMs: 0, chaseMs: 0, recallsMax: 3 };
const bands = ['MEDIUM', 'HIGH', 'MEDIUM', 'LOW'] as const;

conformance({
  starter: batchProcessor(createCallAllocation(policy)),
  schema: 'call_allocation',
  migrations,
  inputs: Array.from({ length: 12 }, (_, i) => i).flatMap((i): TestEvent[] => {
    const data = sampleScored({
      leadId: sampleId('call', i),
      band: bands[i % 4] ?? 'LOW',
      person: samplePerson({ phone: i === 2 ? null : '+46846500412' }),
    });
    return [
      { name: 'LeadScored', id: sampleId('scored', i), version: 1, data },
      { name: 'LeadScored', id: sampleId('again', i), version: 2, data: { ...data, value: 50 } },
    ];
  }),
});

const types = ['call.started', 'call.ringing', 'call.answered', 'call.ended'] as const;

conformance({
  starter: batchProcessor(calls),
  schema: 'call_allocation',
  migrations,
  inputs: Array.from({ length: 6 }, (_, i) => i).flatMap((i) =>
    types.map((type, moment): TestEvent => ({
      name: 'CallReported',
      id: sampleId('report', i, type),
      data: {
        orgId: sampleOrg,
        eventId: `event-${i}-${type}`,
        type,
        callId: `call-${i}`,
        taskId: null,
        callerId: null,
        occurredAt: testNow + moment,
        durationSeconds: type === 'call.ended' ? 42 : null,
        recordingUrl: null,
      },
    })),
  ),
});
