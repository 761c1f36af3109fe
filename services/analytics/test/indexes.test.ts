/** The read model's indexes: a lead is rewritten some five times within seconds, and each index would be written each time. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sql } from '@lead-flood/postgres';
import { sampleDiscovered, sampleEnriched, sampleId, sampleOrg } from '@lead-flood/testing';
import type { Doors } from './harness.ts';
import { openDoors } from './harness.ts';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors.stop());

const leadId = sampleId('indexed');
const place = sql.type(z.object({ page: z.string(), hot: z.boolean() }));

describe('the read model', () => {
  it('writes into no index when a lead comes to its next stage', async () => {
    await doors.database.query(sql.unsafe`create extension if not exists pageinspect`);
    await doors.apply({ name: 'LeadDiscovered', data: sampleDiscovered({ leadId }) });
    await doors.apply({ name: 'LeadEnriched', data: sampleEnriched({ leadId }) });
    // Flags of a tuple's second mask: 0x8000 is a version that no index entry points at.
    const { hot } = await doors.database.one(place`
      select t.ctid::text as page, (i.t_infomask2 & 32768) <> 0 as hot
      from lead_models t, heap_page_items(get_raw_page('lead_models', 0)) i
      where t.key = ${leadId} and i.t_ctid = t.ctid and i.lp = substring(t.ctid::text from ',(\\d+)')::int
    `);
    expect(hot).toBe(true);
  });

  it.each([
    ['created_at', 'lead_models_created'],
    ['score', 'lead_models_score'],
  ])('is listed by %s along an index', async (column, index) => {
    await doors.database.query(sql.unsafe`analyze lead_models`);
    const plan = await doors.database.transaction(async (tx) => {
      // A table of one row is read whole otherwise.
      await tx.query(sql.unsafe`set local enable_seqscan = off`);
      return tx.anyFirst(sql.type(z.object({ 'QUERY PLAN': z.string() }))`
        explain select key from lead_models
        where stage is not null and org_id = ${sampleOrg}
        order by ${sql.identifier([column])} desc, key desc limit 10
      `);
    });
    expect(plan.join('\n')).toContain(`Index Scan Backward using ${index}`);
  });
});
