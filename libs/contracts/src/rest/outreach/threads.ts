/** The inbox: conversations, and a word by hand (OU-03). */
import { z } from 'zod';
import { cursorId, cursorTime, defineCursor } from '../cursor.ts';
import { id, page, pageLimit, timestamp } from '../fields.ts';
import { defineRoutes } from '../route.ts';

const threadStatus = z.enum(['OPEN', 'CLOSED', 'ARCHIVED']);
const nullableText = z.string().nullable();

const summaryFields = {
  id,
  leadId: id,
  status: threadStatus,
  channel: z.string(),
  person: z.strictObject({ fullName: nullableText, email: nullableText }),
  lastMessage: z.strictObject({ direction: z.enum(['OUT', 'IN']), preview: z.string(), at: timestamp }),
  intent: nullableText,
  suppressed: nullableText,
};

export const threadSummary = z.strictObject({ ...summaryFields, messages: z.int() });
export type ThreadSummary = z.infer<typeof threadSummary>;

export const messageView = z.strictObject({
  id,
  direction: z.enum(['OUT', 'IN']),
  channel: z.string(),
  status: z.enum(['QUEUED', 'SENT', 'FAILED', 'UNKNOWN', 'SUPPRESSED', 'RECEIVED']),
  subject: nullableText,
  body: z.string(),
  provider: nullableText,
  code: nullableText,
  at: timestamp,
});

const params = z.strictObject({ threadId: id });

/** The last message's time, and the lead's id. */
export const threadCursor = defineCursor('threads', z.tuple([cursorTime, cursorId]));

export const threadRoutes = defineRoutes('outreach', {
  listThreads: {
    method: 'GET',
    path: '/v1/inbox/threads',
    summary: 'Conversations, the latest first',
    permission: 'outreach:read',
    query: z.strictObject({
      status: threadStatus.optional(),
      replied: z.stringbool().optional(),
      limit: pageLimit,
      cursor: threadCursor.field.optional(),
    }),
    answer: page(threadSummary),
    status: 200,
    errors: ['invalid_payload'],
    rows: ['OU-03'],
  },
  getThread: {
    method: 'GET',
    path: '/v1/inbox/threads/:threadId',
    summary: 'One conversation with its messages and their delivery status',
    permission: 'outreach:read',
    params,
    answer: z.strictObject({ ...summaryFields, messages: z.array(messageView) }),
    status: 200,
    errors: ['not_found'],
    rows: ['OU-03', 'OU-25'],
  },
  replyToThread: {
    method: 'POST',
    path: '/v1/inbox/threads/:threadId/replies',
    summary: 'Write into a conversation by hand',
    permission: 'outreach:write',
    params,
    body: z.strictObject({ body: z.string().trim().min(1).max(10_000) }),
    answer: z.strictObject({ accepted: z.literal(true), messageId: id }),
    status: 202,
    errors: ['invalid_payload', 'not_found', 'conflict'],
    rows: ['OU-03'],
  },
});
