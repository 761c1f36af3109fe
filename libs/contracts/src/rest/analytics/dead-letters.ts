/** The archive of dead letters, and what was done with them. */
import { z } from 'zod';
import { cursorId, cursorTime, defineCursor } from '../cursor.ts';
import { id, page, pageLimit, timestamp } from '../fields.ts';
import { defineRoutes } from '../route.ts';

export const deadLetterView = z.strictObject({
  id,
  group: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  code: z.string(),
  detail: z.string(),
  step: z.string(),
  key: z.string().nullable(),
  bytes: z.int(),
  at: timestamp,
});

export const deadLetterAct = z.strictObject({
  id,
  act: z.string(),
  who: z.string(),
  filter: z.record(z.string(), z.unknown()),
  matched: z.int(),
  acted: z.int(),
  guarded: z.int(),
  cameBack: z.int().nullable(),
  gone: z.int().nullable(),
  at: timestamp,
});

const timeAndId = z.tuple([cursorTime, cursorId]);
export const deadLetterCursor = defineCursor('dead-letters', timeAndId);
export const deadLetterActCursor = defineCursor('dead-letter-acts', timeAndId);

export const deadLetterRoutes = defineRoutes('analytics', {
  listDeadLetters: {
    method: 'GET',
    path: '/v1/dead-letters',
    summary: 'Messages that could not be processed, newest first',
    permission: 'dead-letters:read',
    query: z.strictObject({
      group: z.string().max(60).optional(),
      topic: z.string().max(100).optional(),
      code: z.string().max(60).optional(),
      from: timestamp.optional(),
      to: timestamp.optional(),
      limit: pageLimit,
      cursor: deadLetterCursor.field.optional(),
    }),
    answer: page(deadLetterView),
    status: 200,
    errors: ['invalid_payload'],
    rows: ['X-DL-01'],
  },
  listDeadLetterActs: {
    method: 'GET',
    path: '/v1/dead-letters/acts',
    summary: 'Who sent dead letters again, deleted or skipped them, and what came of it; newest first',
    permission: 'dead-letters:read',
    query: z.strictObject({ limit: pageLimit, cursor: deadLetterActCursor.field.optional() }),
    answer: page(deadLetterAct),
    status: 200,
    errors: ['invalid_payload'],
    rows: ['X-DL-01'],
  },
});
