/** Ideal customer profiles. */
import { z } from 'zod';
import { id, timestamp } from '../fields.ts';
import { countryIso, unique } from '../places.ts';
import { defineRoutes } from '../route.ts';

const icpFields = {
  name: z.string().trim().min(1).max(120),
  targetIndustries: z.array(z.string().trim().min(1).max(120)).max(100).default([]),
  targetCountries: z.array(countryIso).max(250).default([]).transform(unique),
  minCompanySize: z.int32().min(0).nullable().default(null),
  maxCompanySize: z.int32().min(0).nullable().default(null),
  requiredTechnologies: z.array(z.string().trim().min(1).max(120)).max(100).default([]),
};

const sizesInOrder = (icp: { minCompanySize: number | null; maxCompanySize: number | null }): boolean =>
  icp.minCompanySize === null || icp.maxCompanySize === null || icp.minCompanySize <= icp.maxCompanySize;

export const icpBody = z
  .strictObject(icpFields)
  .refine(sizesInOrder, { message: 'minCompanySize is above maxCompanySize', path: ['minCompanySize'] });
export const icpView = z.strictObject({
  id,
  version: z.int(),
  ...icpFields,
  targetCountries: z.array(z.string()),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type IcpBody = z.infer<typeof icpBody>;
export type IcpView = z.infer<typeof icpView>;

const icpParams = z.strictObject({ icpId: id });

export const icpRoutes = defineRoutes('discovery', {
  listIcps: {
    method: 'GET',
    path: '/v1/icps',
    summary: 'Ideal customer profiles of the organisation',
    permission: 'icps:read',
    answer: z.array(icpView),
    status: 200,
    errors: [],
    rows: ['DI-01'],
  },
  createIcp: {
    method: 'POST',
    path: '/v1/icps',
    summary: 'Create an ICP',
    permission: 'icps:write',
    body: icpBody,
    answer: icpView,
    status: 201,
    errors: ['invalid_payload'],
    rows: ['DI-02'],
  },
  getIcp: {
    method: 'GET',
    path: '/v1/icps/:icpId',
    summary: 'One ICP',
    permission: 'icps:read',
    params: icpParams,
    answer: icpView,
    status: 200,
    errors: ['not_found'],
    rows: ['DI-01'],
  },
  updateIcp: {
    method: 'PUT',
    path: '/v1/icps/:icpId',
    summary: 'Replace an ICP; its version goes up',
    permission: 'icps:write',
    params: icpParams,
    body: icpBody,
    answer: icpView,
    status: 200,
    errors: ['invalid_payload', 'not_found'],
    rows: ['DI-03'],
  },
  deleteIcp: {
    method: 'DELETE',
    path: '/v1/icps/:icpId',
    summary: 'Remove an ICP',
    permission: 'icps:write',
    params: icpParams,
    answer: z.strictObject({ success: z.literal(true) }),
    status: 200,
    errors: ['not_found'],
    rows: ['DI-03'],
  },
});
