/** ICPs: CRUD for the doors, and the filters that a batch of submissions needs. */
import { z } from 'zod';
import type { IcpBody, IcpView } from '@lead-flood/contracts';
import { CodedError } from '@lead-flood/kernel';
import type { Queries } from '@lead-flood/postgres';
import { sql, texts } from '@lead-flood/postgres';
import type { IcpFilters } from './domain/icp.ts';

const row = z.object({
  id: z.string(),
  org_id: z.string(),
  version: z.int(),
  name: z.string(),
  target_industries: z.array(z.string()),
  target_countries: z.array(z.string()),
  min_company_size: z.int().nullable(),
  max_company_size: z.int().nullable(),
  required_technologies: z.array(z.string()),
  created_at: z.number(),
  updated_at: z.number(),
});

const toView = (r: z.infer<typeof row>): IcpView => ({
  id: r.id,
  version: r.version,
  name: r.name,
  targetIndustries: r.target_industries,
  targetCountries: r.target_countries,
  minCompanySize: r.min_company_size,
  maxCompanySize: r.max_company_size,
  requiredTechnologies: r.required_technologies,
  createdAt: new Date(r.created_at).toISOString(),
  updatedAt: new Date(r.updated_at).toISOString(),
});

const columns = sql.fragment`id, org_id, version, name, target_industries, target_countries, min_company_size, max_company_size, required_technologies, created_at, updated_at`;

export async function listIcps(database: Queries, orgId: string): Promise<IcpView[]> {
  const rows = await database.any(
    sql.type(row)`select ${columns} from icps where org_id = ${orgId} order by created_at, id`,
  );
  return rows.map(toView);
}

export async function getIcp(database: Queries, orgId: string, icpId: string): Promise<IcpView> {
  const found = await database.maybeOne(
    sql.type(row)`select ${columns} from icps where org_id = ${orgId} and id = ${icpId}`,
  );
  return toView(found ?? unknownIcp(icpId));
}

/** A second create with the same id (an idempotency key) gives the first one's result. */
export async function createIcp(database: Queries, orgId: string, icpId: string, body: IcpBody): Promise<IcpView> {
  const created = await database.one(sql.type(row)`
    insert into icps (id, org_id, name, target_industries, target_countries, min_company_size, max_company_size, required_technologies)
    values (${icpId}, ${orgId}, ${body.name}, ${texts(body.targetIndustries)}::text[], ${texts(body.targetCountries)}::text[],
      ${body.minCompanySize}, ${body.maxCompanySize}, ${texts(body.requiredTechnologies)}::text[])
    on conflict (id) do update set id = icps.id
    returning ${columns}
  `);
  return toView(created);
}

export async function updateIcp(database: Queries, orgId: string, icpId: string, body: IcpBody): Promise<IcpView> {
  const updated = await database.maybeOne(sql.type(row)`
    update icps set version = version + 1, updated_at = now(), name = ${body.name},
      target_industries = ${texts(body.targetIndustries)}::text[], target_countries = ${texts(body.targetCountries)}::text[],
      min_company_size = ${body.minCompanySize}, max_company_size = ${body.maxCompanySize},
      required_technologies = ${texts(body.requiredTechnologies)}::text[]
    where org_id = ${orgId} and id = ${icpId}
    returning ${columns}
  `);
  return toView(updated ?? unknownIcp(icpId));
}

export async function deleteIcp(database: Queries, orgId: string, icpId: string): Promise<void> {
  const { rowCount } = await database.query(sql.unsafe`delete from icps where org_id = ${orgId} and id = ${icpId}`);
  if (rowCount === 0) unknownIcp(icpId);
}

const filterRow = z.object({
  id: z.string(),
  org_id: z.string(),
  version: z.int(),
  target_industries: z.array(z.string()),
  target_countries: z.array(z.string()),
  min_company_size: z.int().nullable(),
  max_company_size: z.int().nullable(),
});

/** By `orgId/icpId`: the filters of these ICPs; one of another organisation is not found. */
export async function readIcpFilters(tx: Queries, icpIds: readonly string[]): Promise<ReadonlyMap<string, IcpFilters>> {
  const wanted = [...new Set(icpIds)];
  if (wanted.length === 0) return new Map();
  const rows = await tx.any(sql.type(filterRow)`
    select id, org_id, version, target_industries, target_countries, min_company_size, max_company_size from icps where id = any(${texts(wanted)}::uuid[])
  `);
  return new Map(
    rows.map((r) => [
      `${r.org_id}/${r.id}`,
      {
        id: r.id,
        version: r.version,
        targetIndustries: r.target_industries,
        targetCountries: r.target_countries,
        minCompanySize: r.min_company_size,
        maxCompanySize: r.max_company_size,
      },
    ]),
  );
}

function unknownIcp(icpId: string): never {
  throw new CodedError('DSC_ERR_UNKNOWN_ICP', `there is no ICP ${icpId}`);
}
