/** The rules by which leads of an ICP are scored. */
import { z } from 'zod';
import { id } from '../fields.ts';
import { defineRoutes } from '../route.ts';

/** Fields that a rule may test; each is a feature of the snapshot. */
export const featureKeys = [
  'companyEmployees',
  'companyCountry',
  'companyIndustry',
  'personTitle',
  'emailStatus',
  'emailConfidence',
  'hasPhone',
  'hasLinkedin',
  'icpMatch',
] as const;
export const ruleOperators = ['EQ', 'NEQ', 'GT', 'GTE', 'LT', 'LTE', 'IN', 'CONTAINS', 'EXISTS'] as const;

export const ruleValue = z.union([z.string().max(200), z.number(), z.boolean(), z.array(z.string().max(200)).max(100)]);

const ruleFields = {
  fieldKey: z.enum(featureKeys),
  operator: z.enum(ruleOperators),
  value: ruleValue,
  /** Share of the whole value, 0 to 1; a HARD_FILTER has none. */
  weight: z.number().min(0).max(1).default(0),
  type: z.enum(['WEIGHTED', 'HARD_FILTER']),
  description: z.string().max(200).default(''),
};

export const ruleBody = z.strictObject(ruleFields);
export const rule = z.strictObject({ id, icpId: id, ...ruleFields });
export type QualificationRule = z.infer<typeof rule>;

export const ruleRoutes = defineRoutes('scoring', {
  listRules: {
    method: 'GET',
    path: '/v1/icps/:icpId/rules',
    summary: 'Rules by which leads of an ICP are scored',
    permission: 'icps:read',
    params: z.strictObject({ icpId: id }),
    answer: z.strictObject({ items: z.array(rule), version: z.int() }),
    status: 200,
    errors: [],
    rows: ['SC-03'],
  },
  createRule: {
    method: 'POST',
    path: '/v1/icps/:icpId/rules',
    summary: 'Add a rule',
    permission: 'rules:write',
    params: z.strictObject({ icpId: id }),
    body: ruleBody,
    answer: rule,
    status: 201,
    errors: ['invalid_payload', 'not_found', 'conflict'],
    rows: ['SC-03'],
  },
  updateRule: {
    method: 'PUT',
    path: '/v1/icps/:icpId/rules/:ruleId',
    summary: 'Replace a rule',
    permission: 'rules:write',
    params: z.strictObject({ icpId: id, ruleId: id }),
    body: ruleBody,
    answer: rule,
    status: 200,
    errors: ['invalid_payload', 'not_found'],
    rows: ['SC-03'],
  },
  deleteRule: {
    method: 'DELETE',
    path: '/v1/icps/:icpId/rules/:ruleId',
    summary: 'Remove a rule',
    permission: 'rules:write',
    params: z.strictObject({ icpId: id, ruleId: id }),
    answer: z.strictObject({ success: z.literal(true) }),
    status: 200,
    errors: ['not_found'],
    rows: ['SC-03'],
  },
});
