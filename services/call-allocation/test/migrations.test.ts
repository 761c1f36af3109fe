/** What stood in the tables before numbers had clocks of their own and languages one spelling. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sql } from '@lead-flood/postgres';
import type { EarlierDatabase } from '@lead-flood/testing';
import { createEarlierDatabase, sampleId, sampleOrg } from '@lead-flood/testing';
import { listCallers } from '../src/caller/store.ts';
import { openAreas } from '../src/task/calling-area.ts';
import { tasks } from '../src/task/store.ts';

let test: EarlierDatabase;
beforeAll(async () => {
  const migrations = join(import.meta.dirname, '../migrations');
  test = await createEarlierDatabase({ schema: 'call_allocation', migrations, before: '000004' });
});
afterAll(() => test.drop());

const oldTask = (regionIso: string, timezone: string) => ({
  kind: 'task',
  status: 'PENDING',
  leadId: sampleId('lead', regionIso),
  projectId: null,
  fullName: null,
  phone: '+12135550160',
  company: null,
  region: { regionIso, languageCode: 'en', timezone },
  priority: 0,
  rank: 50,
  queuedAt: 0,
  callerId: null,
  outcome: null,
  requeueReason: null,
});

it('[CA-19] tasks of before may ring in any zone of their country; callers have their languages in one spelling', async () => {
  const { database } = test;
  for (const [regionIso, timezone] of [
    ['US', 'America/New_York'],
    ['SE', 'Europe/Stockholm'],
  ] as const)
    await database.query(sql.unsafe`
      insert into call_tasks (key, org_id, previous_revision, revision, published, seen, state, status, region_iso, language_code, timezone)
      values (${sampleId('task', regionIso)}, ${sampleOrg}, 0, 1, 1, '{}', ${JSON.stringify(oldTask(regionIso, timezone))},
        'PENDING', ${regionIso}, 'en', ${timezone})
    `);
  await database.query(sql.unsafe`
    insert into call_tasks (key, org_id, previous_revision, revision, published, seen, state, status)
    values (${sampleId('declined')}, ${sampleOrg}, 0, 1, 1, '{}', '{"kind":"declined","leadId":"x","reason":"no_phone"}', 'DECLINED')
  `);
  await database.query(sql.unsafe`
    insert into callers (id, org_id, email, name, timezone, language_codes, region_iso_codes)
    values (${sampleId('caller')}, ${sampleOrg}, 'ana@demo.lead-flood.example', 'Ana', 'europe/stockholm', '{EN,sv,en-AU,nb,iw}', '{UK,SE,GB}')
  `);

  await test.upgrade();

  const states = await tasks.load(database, [sampleId('task', 'US'), sampleId('task', 'SE'), sampleId('declined')]);
  expect(states.get(sampleId('task', 'US'))?.state).toMatchObject({
    region: {
      regionIso: 'US',
      languageCode: 'en',
      timezones: expect.arrayContaining(['Pacific/Honolulu', 'America/New_York']) as unknown,
    },
  });
  expect(states.get(sampleId('task', 'SE'))?.state).toMatchObject({ region: { timezones: ['Europe/Stockholm'] } });
  expect(states.get(sampleId('declined'))?.state).toMatchObject({ kind: 'declined' });
  // Nine in New York is night in Honolulu.
  expect(await openAreas(database, Date.parse('2026-12-01T14:00:00Z'))).toEqual(['SE Europe/Stockholm']);
  expect(await listCallers(database, sampleOrg, { limit: 10 })).toMatchObject({
    rows: [
      {
        id: sampleId('caller'),
        caller: {
          name: 'Ana',
          timezone: 'Europe/Stockholm',
          languageCodes: ['en', 'sv', 'no', 'he'],
          regionIsoCodes: ['GB', 'SE'],
          metadata: {},
          allocationStatus: 'ACTIVE',
        },
      },
    ],
  });
});
