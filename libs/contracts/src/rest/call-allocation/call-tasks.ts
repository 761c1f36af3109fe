/** The caller's task, and the operator's view of all of them (S3). */
import { z } from 'zod';
import { id, timestamp } from '../fields.ts';
import { defineRoutes } from '../route.ts';

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

const taskParams = z.strictObject({ taskId: id });

export const callTaskRoutes = defineRoutes('call-allocation', {
  currentTask: {
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
});
