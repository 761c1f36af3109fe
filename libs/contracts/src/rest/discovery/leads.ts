/** One lead at a time: identity lives in discovery. */
import { z } from 'zod';
import { id } from '../fields.ts';
import { createLeadAnswer, createLeadBody, jobView, leadView } from '../lead.ts';
import { defineRoutes } from '../route.ts';

export const newLeadRoutes = defineRoutes('discovery', {
  createLead: {
    method: 'POST',
    path: '/v1/leads',
    summary: 'Hand in one lead; 409 when the person is known already',
    permission: 'leads:write',
    body: createLeadBody,
    answer: createLeadAnswer,
    status: 201,
    errors: ['invalid_payload', 'lead_exists'],
    rows: ['GW-05', 'GW-06', 'GW-07'],
  },
});

/** Asked by the gateway only, while the read model has not caught up: a client can always read what it wrote. */
export const freshLeadRoutes = defineRoutes('discovery', {
  freshLead: {
    method: 'GET',
    path: '/internal/leads/:leadId',
    summary: 'A lead as discovery knows it',
    permission: 'leads:read',
    params: z.strictObject({ leadId: id }),
    answer: leadView,
    status: 200,
    errors: ['not_found'],
    rows: ['GW-08'],
  },
  freshJob: {
    method: 'GET',
    path: '/internal/jobs/:jobId',
    summary: 'The job of a lead as discovery knows it',
    permission: 'jobs:read',
    params: z.strictObject({ jobId: id }),
    answer: jobView,
    status: 200,
    errors: ['not_found'],
    rows: ['GW-13'],
  },
});
