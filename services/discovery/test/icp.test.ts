/** ICPs: what each command makes of each state, and that those of before the commands are there still. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sql } from '@lead-flood/postgres';
import { createEarlierDatabase, sampleId, sampleOrg, specify, testNow } from '@lead-flood/testing';
import type { Icp } from '../src/icp/domain.ts';
import { icpProcessor } from '../src/icp/processor.ts';
import { listIcps } from '../src/icp/store.ts';

const icpId = sampleId('icp');
const orgId = sampleOrg;
const profile = {
  name: 'Nordic manufacturers',
  targetIndustries: ['machinery'],
  targetCountries: ['SE'],
  minCompanySize: 50,
  maxCompanySize: null,
  requiredTechnologies: [],
};
const known: Icp = { kind: 'icp', version: 3, profile, createdAt: 1, updatedAt: 2 };
const icp = specify(icpProcessor, undefined);

describe('commands', () => {
  it('[DI-02] a new one is told with all that it asks for', () => {
    icp
      .given({ kind: 'none' })
      .when('CreateIcp', { orgId, icpId, profile })
      .thenState({ kind: 'icp', version: 1, profile, createdAt: testNow })
      .thenEmits({ name: 'IcpCreated', data: { orgId, icpId, version: 1, profile } });
  });

  it('[DI-02] the same request again creates nothing', () => {
    icp.given(known).when('CreateIcp', { orgId, icpId, profile }).thenSkips('known');
  });

  it('[DI-03] a change replaces it under the next version', () => {
    const smaller = { ...profile, minCompanySize: 5 };
    icp
      .given(known)
      .when('UpdateIcp', { orgId, icpId, profile: smaller })
      .thenState({ kind: 'icp', version: 4, profile: smaller, createdAt: 1, updatedAt: testNow })
      .thenEmits({ name: 'IcpUpdated', data: { icpId, version: 4, profile: smaller } });
  });

  it('[DI-03] the same again changes nothing', () => {
    icp
      .given(known)
      .when('UpdateIcp', { orgId, icpId, profile: { ...profile } })
      .thenSkips('unchanged');
  });

  it('[DI-03] a deletion is told, and ends it', () => {
    icp
      .given(known)
      .when('DeleteIcp', { orgId, icpId })
      .thenState({ kind: 'deleted' })
      .thenEmits({ name: 'IcpDeleted', data: { orgId, icpId, deletedAt: testNow } });
  });

  it.each<Icp>([{ kind: 'none' }, { kind: 'deleted' }])('[DI-03] what is not there is not changed: %j', (state) => {
    icp.given(state).when('UpdateIcp', { orgId, icpId, profile }).thenRejects('DSC_ERR_UNKNOWN_ICP');
    icp.given(state).when('DeleteIcp', { orgId, icpId }).thenRejects('DSC_ERR_UNKNOWN_ICP');
  });

  it('the id of one that was deleted is not used again', () => {
    icp.given({ kind: 'deleted' }).when('CreateIcp', { orgId, icpId, profile }).thenRejects('DSC_ERR_UNKNOWN_ICP');
  });
});

it('[DI-01] those of before the commands are there still, the oldest first', async () => {
  const migrations = join(import.meta.dirname, '../migrations');
  const test = await createEarlierDatabase({ schema: 'discovery', migrations, before: '000003' });
  try {
    await test.database.query(sql.unsafe`
      insert into icps (id, org_id, version, name, target_industries, target_countries, min_company_size, required_technologies, created_at, updated_at)
      values
        (${sampleId('newer')}, ${orgId}, 1, 'Newer', '{}', '{}', null, '{}', '2026-02-01T00:00:00Z', '2026-02-01T00:00:00Z'),
        (${icpId}, ${orgId}, 3, 'Nordic manufacturers', '{machinery}', '{SE}', 50, '{}', '2026-01-01T00:00:00.123456Z', '2026-01-02T00:00:00Z')
    `);
    await test.upgrade();
    const [oldest, newest, ...more] = await listIcps(test.database, orgId);
    expect(oldest).toEqual({
      id: icpId,
      icp: {
        ...known,
        createdAt: Date.parse('2026-01-01T00:00:00.123Z'),
        updatedAt: Date.parse('2026-01-02T00:00:00Z'),
      },
    });
    expect(newest).toMatchObject({ id: sampleId('newer'), icp: { profile: { name: 'Newer', minCompanySize: null } } });
    expect(more).toEqual([]);
  } finally {
    await test.drop();
  }
});
