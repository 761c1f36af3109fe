/** The table of ICPs: a row each, those that were deleted too, so that an id never comes back. */
import { z } from 'zod';
import type { IcpProfile } from '@lead-flood/contracts';
import type { Queries } from '@lead-flood/postgres';
import { createDocumentStore, sql, texts } from '@lead-flood/postgres';
import type { Icp, KnownIcp } from './domain.ts';

const profile: z.ZodType<IcpProfile> = z.object({
  name: z.string(),
  targetIndustries: z.array(z.string()),
  targetCountries: z.array(z.string()),
  minCompanySize: z.int().nullable(),
  maxCompanySize: z.int().nullable(),
  requiredTechnologies: z.array(z.string()),
});

const icp: z.ZodType<Icp> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('deleted') }),
  z.object({ kind: z.literal('icp'), version: z.int(), profile, createdAt: z.number(), updatedAt: z.number() }),
]);

export const icps = createDocumentStore<Icp>({
  table: 'icps',
  state: icp,
  columns: [
    {
      name: 'created_at',
      type: 'timestamptz',
      of: (state) => (state.kind === 'icp' ? new Date(state.createdAt).toISOString() : null),
    },
  ],
});

export type IcpRow = { readonly id: string; readonly icp: KnownIcp };

/** The oldest first. */
export async function listIcps(database: Queries, orgId: string): Promise<readonly IcpRow[]> {
  const keys = await database.anyFirst(sql.type(z.object({ key: z.string() }))`
    select key from icps where org_id = ${orgId} and created_at is not null order by created_at, key
  `);
  const states = await icps.load(database, keys);
  return keys.flatMap((id) => {
    const state = states.get(id)?.state;
    return state?.kind === 'icp' ? [{ id, icp: state }] : [];
  });
}

const filterRow = z.object({ key: z.string(), org_id: z.string(), state: z.string() });

/** By `orgId/icpId`: the ICPs of these ids; one of another organisation is not found. */
export async function readIcps(tx: Queries, icpIds: readonly string[]): Promise<ReadonlyMap<string, IcpRow>> {
  const wanted = [...new Set(icpIds)];
  if (wanted.length === 0) return new Map();
  const rows = await tx.any(sql.type(filterRow)`
    select key, org_id, state from icps where key = any(${texts(wanted)}::uuid[])
  `);
  return new Map(
    rows.flatMap(({ key, org_id: orgId, state }) => {
      const found = icp.parse(JSON.parse(state));
      return found.kind === 'icp' ? [[`${orgId}/${key}`, { id: key, icp: found }]] : [];
    }),
  );
}
