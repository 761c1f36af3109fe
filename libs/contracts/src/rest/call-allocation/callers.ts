/** Who calls, in which languages and regions. */
import { z } from 'zod';
import { cursorId, defineCursor } from '../cursor.ts';
import { id, notes, page, pageLimit, timestamp } from '../fields.ts';
import { countryIso, languageCode, timezone, unique } from '../places.ts';
import { defineRoutes } from '../route.ts';

const callerFields = {
  // One spelling: the address is unique.
  email: z.email().max(254).toLowerCase(),
  name: z.string().trim().min(1).max(200),
  timezone,
  languageCodes: z.array(languageCode).min(1).max(50).transform(unique),
  regionIsoCodes: z.array(countryIso).min(1).max(250).transform(unique),
};

export const callerBody = z.strictObject({ ...callerFields, userId: id.optional(), metadata: notes.default({}) });
export type CallerBody = z.infer<typeof callerBody>;
/** Who is PAUSED keeps the task that is held, and is given no other until ACTIVE again. */
export const settableStatuses = ['ACTIVE', 'PAUSED'] as const;
export const callerChange = z
  .strictObject({ ...callerFields, metadata: notes, allocationStatus: z.enum(settableStatuses) })
  .partial();
export type CallerChange = z.infer<typeof callerChange>;
export const callerView = z.strictObject({
  id,
  userId: id.nullable(),
  email: callerFields.email,
  name: callerFields.name,
  timezone: z.string(),
  languageCodes: z.array(z.string()),
  regionIsoCodes: z.array(z.string()),
  metadata: notes,
  allocationStatus: z.string(),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type CallerView = z.infer<typeof callerView>;

const callerParams = z.strictObject({ callerId: id });

export const callerCursor = defineCursor('callers', z.tuple([cursorId]));

export const callerRoutes = defineRoutes('call-allocation', {
  createCaller: {
    method: 'POST',
    path: '/v1/callers',
    summary: 'Add a caller',
    permission: 'callers:manage',
    body: callerBody,
    answer: callerView,
    status: 201,
    errors: ['invalid_payload', 'conflict'],
    rows: ['CA-01'],
  },
  listCallers: {
    method: 'GET',
    path: '/v1/callers',
    summary: 'Callers of the organisation, and whether each is given tasks',
    permission: 'callers:manage',
    query: z.strictObject({
      allocationStatus: z.string().max(40).optional(),
      limit: pageLimit,
      cursor: callerCursor.field.optional(),
    }),
    answer: page(callerView),
    status: 200,
    errors: ['invalid_payload'],
    rows: ['CA-02'],
  },
  getCaller: {
    method: 'GET',
    path: '/v1/callers/:callerId',
    summary: 'One caller',
    permission: 'callers:manage',
    params: callerParams,
    answer: callerView,
    status: 200,
    errors: ['not_found'],
    rows: ['CA-02'],
  },
  updateCaller: {
    method: 'PATCH',
    path: '/v1/callers/:callerId',
    summary: 'Change a caller',
    permission: 'callers:manage',
    params: callerParams,
    body: callerChange,
    answer: callerView,
    status: 200,
    errors: ['invalid_payload', 'not_found', 'conflict'],
    rows: ['CA-02'],
  },
});
