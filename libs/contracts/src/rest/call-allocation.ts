/** Call-allocation's doors (S3): callers, the caller's task, the operator's view. */
import { z } from 'zod';
import { cursorId, defineCursor } from './cursor.ts';
import { id, notes, page, pageLimit, timestamp } from './fields.ts';
import { countryIso, languageCode, timezone, unique } from './places.ts';
import { defineRoutes } from './route.ts';

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

export const callTaskStatuses = [
  'PENDING',
  'ASSIGNED',
  'DIALING',
  'COMPLETED',
  'EXPIRED',
  'CANCELLED',
  'RESTRICTED',
] as const;
export const callOutcomes = ['INTERESTED_SIGNUP_LINK_SENT', 'RETRYABLE_REJECTION', 'NEVER_CONTACT_AGAIN'] as const;

export const callTaskView = z.strictObject({
  id,
  status: z.enum(callTaskStatuses),
  leadId: id,
  projectId: id.nullable(),
  fullName: z.string().nullable(),
  phone: z.string(),
  company: z.string().nullable(),
  regionIso: z.string(),
  languageCode: z.string(),
  /** The westernmost of `timezones`: where the day begins last. */
  timezone: z.string(),
  /** Where the telephone may ring; it is called in the hours of all of them. */
  timezones: z.array(z.string()),
  /** Whether somebody may be called there now. */
  isOpen: z.boolean(),
  priority: z.int(),
  callerId: id.nullable(),
  outcome: z.enum(callOutcomes).nullable(),
  requeueReason: z.string().nullable(),
  queuedAt: timestamp,
});
export type CallTaskView = z.infer<typeof callTaskView>;

const callerParams = z.strictObject({ callerId: id });
const taskParams = z.strictObject({ taskId: id });

export const callerCursor = defineCursor('callers', z.tuple([cursorId]));

export const callAllocationRoutes = defineRoutes({
  createCaller: {
    service: 'call-allocation',
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
    service: 'call-allocation',
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
    service: 'call-allocation',
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
    service: 'call-allocation',
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
  currentTask: {
    service: 'call-allocation',
    method: 'GET',
    path: '/v1/call-tasks/current',
    summary: 'The caller’s task; assigns the best match when there is none',
    permission: 'call-tasks:work',
    answer: z.strictObject({ task: callTaskView.nullable() }),
    status: 200,
    errors: ['not_found', 'conflict'],
    rows: ['CA-04', 'CA-19'],
  },
  reportOutcome: {
    service: 'call-allocation',
    method: 'POST',
    path: '/v1/call-tasks/:taskId/outcome',
    summary: 'How the call went',
    permission: 'call-tasks:work',
    params: taskParams,
    body: z.strictObject({ outcome: z.enum(callOutcomes) }),
    answer: callTaskView,
    status: 200,
    errors: ['invalid_payload', 'not_found', 'invalid_transition'],
    rows: ['CA-05', 'CA-10'],
  },
  operatorTasks: {
    service: 'call-allocation',
    method: 'GET',
    path: '/v1/call-tasks/operator/tasks',
    summary: 'Tasks of the organisation',
    permission: 'call-tasks:operate',
    query: z.strictObject({
      status: z.enum(callTaskStatuses).optional(),
      projectId: id.optional(),
      limit: z.coerce.number().int().min(1).max(100).default(50),
    }),
    answer: z.strictObject({ items: z.array(callTaskView) }),
    status: 200,
    errors: ['invalid_payload'],
    rows: ['CA-06'],
  },
  requeueTask: {
    service: 'call-allocation',
    method: 'POST',
    path: '/v1/call-tasks/operator/tasks/:taskId/requeue',
    summary: 'Put a task back into the queue',
    permission: 'call-tasks:operate',
    params: taskParams,
    body: z.strictObject({ reason: z.string().trim().min(1).max(500) }),
    answer: callTaskView,
    status: 200,
    errors: ['invalid_payload', 'not_found', 'invalid_transition'],
    rows: ['CA-07'],
  },
  listParked: {
    service: 'call-allocation',
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
    service: 'call-allocation',
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
    service: 'call-allocation',
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
