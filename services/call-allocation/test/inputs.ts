/** What call-allocation is fed with where it is broken, for each of its processors. */
import { join } from 'node:path';
import type { CallReported } from '@lead-flood/contracts';
import { platformOrg } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import type { TestEvent } from '@lead-flood/testing';
import { everyDiscoveryEvent, sampleId, sampleOrg, samplePerson, sampleScored, testNow } from '@lead-flood/testing';
import { areaKey } from '../src/task/calling-area.ts';
import { taskIdOf } from '../src/task/processor.ts';
import { hire } from './hire.ts';
import { zoneAt } from './zone.ts';

export const at = { schema: 'call_allocation', migrations: join(import.meta.dirname, '../migrations') };
export const policy = { retryMs: 0, chaseMs: 0, recallsMax: 3 };
const bands = ['MEDIUM', 'HIGH', 'MEDIUM', 'LOW'] as const;

/** Everything that outreach and the telephone tell of a lead; every third one wishes for silence. */
function heardOf(i: number): TestEvent[] {
  const leadId = sampleId('call', i);
  const person = samplePerson({ email: `call${i}@aurora.se.example`, phone: null });
  const silence: TestEvent[] =
    i % 3 === 0
      ? [
          {
            name: 'ContactSuppressed',
            data: { orgId: sampleOrg, leadId, person, reason: 'unsubscribed', suppressedAt: testNow },
          },
        ]
      : [];
  const call: TestEvent = {
    name: 'CallReported',
    id: sampleId('call-report', i),
    data: reported(i, 'call.started', taskIdOf(leadId)),
  };
  const recall: TestEvent = {
    name: 'RecallTask',
    id: sampleId('recall', i),
    data: { orgId: sampleOrg, leadId, taskId: taskIdOf(leadId), reason: 'signup_chase', completedAt: testNow },
  };
  const offer: TestEvent = {
    name: 'OfferTask',
    id: sampleId('offer', i),
    version: 1,
    data: { orgId: sampleOrg, callerId: sampleId('nobody', i), offeredAt: testNow },
  };
  const told = silence.map((event, n): TestEvent => ({ ...event, id: sampleId(event.name, i), version: n + 1 }));
  return [...told, call, recall, offer];
}

const reported = (i: number, type: string, taskId: string | null, moment = 0): CallReported => ({
  orgId: sampleOrg,
  eventId: `event-${i}-${type}`,
  type,
  callId: `call-${i}`,
  taskId,
  callerId: null,
  occurredAt: testNow + moment,
  durationSeconds: type === 'call.ended' ? 42 : null,
  recordingUrl: null,
});

export const scores = Array.from({ length: 12 }, (_, i) => i).flatMap((i): TestEvent[] => {
  const data = sampleScored({
    leadId: sampleId('call', i),
    band: bands[i % 4] ?? 'LOW',
    person: samplePerson({ phone: i === 2 ? null : '+46846500412' }),
  });
  return [
    { name: 'LeadScored', id: sampleId('scored', i), version: 1, data },
    { name: 'LeadScored', id: sampleId('again', i), version: 2, data: { ...data, value: 50 } },
  ];
});

/** What people and the telephone say of tasks that exist by then. */
export const heard = [
  ...Array.from({ length: 12 }, (_, i) => i).flatMap((i) => heardOf(i)),
  ...everyDiscoveryEvent(sampleId('known')),
];

const types = ['call.started', 'call.ringing', 'call.answered', 'call.ended'] as const;

export const reports = Array.from({ length: 6 }, (_, i) => i).flatMap((i) =>
  types.map((type, moment): TestEvent => ({
    name: 'CallReported',
    id: sampleId('report', i, type),
    data: reported(i, type, null, moment),
  })),
);

/** Callers without a task, and one task that waits: each tick that is not a repeat offers it to each of them. */
export async function freeCallers(database: Database): Promise<void> {
  await database.query(sql.unsafe`
    insert into call_tasks (key, org_id, previous_revision, revision, published, seen, state, status, region_iso, language_code, calling_area)
    values (${sampleId('task')}, ${sampleOrg}, 0, 1, 1, '{}', '{}', 'PENDING', 'SE', 'sv', ${areaKey({ regionIso: 'SE', timezones: [zoneAt(14)] })})
  `);
  for (const i of [0, 1, 2])
    await hire(database, sampleOrg, sampleId('free-caller', i), { languageCodes: ['sv'], regionIsoCodes: ['SE'] });
}

const MINUTE_MS = 60_000;
/** Ticks that are long overdue are passed, so these are of now. */
const minute = Math.floor(Date.now() / MINUTE_MS);

export const ticks = ['system.heartbeat', 'call-allocation.offers'].flatMap((tick) =>
  Array.from({ length: 4 }, (_, i): TestEvent => {
    const period = minute + i;
    const data = { orgId: platformOrg, tick, period, dueAt: period * MINUTE_MS };
    return { name: 'Ticked', id: sampleId(tick, period), version: period, data };
  }),
);
