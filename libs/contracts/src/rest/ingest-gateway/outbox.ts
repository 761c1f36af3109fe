/** What has become of messages that were to go out: the same answer from every service and, for clients, from the gateway. */
import { z } from 'zod';
import { pageLimit, timestamp } from '../fields.ts';
import { defineRoutes, serviceNames } from '../route.ts';

const status = z.enum(['pending', 'processing', 'sent', 'failed', 'dead_letter']);

const answer = z.strictObject({
  items: z.array(
    z.strictObject({
      createdAt: timestamp,
      topic: z.string(),
      key: z.string().nullable(),
      messageId: z.string().nullable(),
      status,
      attempts: z.int(),
      nextAttemptAt: timestamp.nullable(),
      code: z.string().nullable(),
    }),
  ),
});

export const outboxRoutes = defineRoutes('ingest-gateway', {
  listOutbox: {
    method: 'GET',
    path: '/v1/outbox',
    summary: 'Messages of a service that wait, went out, are tried again or were given up; newest first',
    permission: 'dead-letters:read',
    query: z.strictObject({
      service: z.enum(serviceNames).default('discovery'),
      status: status.optional(),
      limit: pageLimit,
    }),
    answer,
    status: 200,
    errors: ['invalid_payload', 'unavailable'],
    rows: ['X-ID-03', 'X-ID-04', 'C-16'],
  },
});

/** Every service's own, behind the gateway; the service that it is defined for only names who may ask. */
export const outboxInternalRoutes = defineRoutes('ingest-gateway', {
  listOwnOutbox: {
    method: 'GET',
    path: '/internal/outbox',
    summary: 'The same of this service',
    permission: 'dead-letters:read',
    query: z.strictObject({ status: status.optional(), limit: pageLimit }),
    answer,
    status: 200,
    errors: ['invalid_payload'],
    rows: ['X-ID-03'],
  },
});
