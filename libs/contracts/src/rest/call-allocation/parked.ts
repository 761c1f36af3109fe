/** Keys whose messages wait behind one that was rejected. */
import { z } from 'zod';
import { timestamp } from '../fields.ts';
import { defineRoutes } from '../route.ts';

export const parkedRoutes = defineRoutes('call-allocation', {
  listParked: {
    method: 'GET',
    path: '/v1/parked',
    summary: 'Keys whose messages wait behind one that was rejected, those that wait longest first',
    permission: 'dead-letters:read',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(50) }),
    answer: z.strictObject({
      items: z.array(
        z.strictObject({
          group: z.string(),
          key: z.string(),
          messages: z.int(),
          code: z.string().nullable(),
          since: timestamp,
        }),
      ),
    }),
    status: 200,
    errors: ['invalid_payload'],
    rows: ['X-DL-01'],
  },
  listDrains: {
    method: 'GET',
    path: '/v1/parked/drains',
    summary: 'Who has drained parked keys, and what came of it; newest first',
    permission: 'dead-letters:read',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(50) }),
    answer: z.strictObject({
      items: z.array(
        z.strictObject({
          id: z.string(),
          who: z.string(),
          group: z.string(),
          key: z.string(),
          dropFirst: z.boolean(),
          drained: z.int(),
          /** Of them one at most, the first. */
          dropped: z.int(),
          stoppedBy: z.string().nullable(),
          at: timestamp,
        }),
      ),
    }),
    status: 200,
    errors: ['invalid_payload'],
    rows: ['X-DL-01'],
  },
  drainParked: {
    method: 'POST',
    path: '/v1/parked/drain',
    summary: 'Decide the waiting messages of a key in order; ends at the first that is rejected again',
    permission: 'admin',
    body: z.strictObject({
      group: z.string().max(60),
      key: z.string().max(200),
      /** Gives up the message that was rejected first; its dead letter stays. */
      dropFirst: z.boolean().default(false),
    }),
    answer: z.strictObject({ drained: z.int(), dropped: z.int(), stoppedBy: z.string().nullable() }),
    status: 200,
    errors: ['invalid_payload', 'not_found'],
    rows: ['X-DL-01'],
  },
});
