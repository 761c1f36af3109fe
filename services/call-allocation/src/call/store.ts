/** The table of call logs. */
import { z } from 'zod';
import { createDocumentStore } from '@lead-flood/postgres';
import type { CallLog } from './domain.ts';

const text = z.string().nullable();
const callLog: z.ZodType<CallLog> = z.object({
  callId: z.string(),
  taskId: text,
  callerId: text,
  events: z.array(z.object({ eventId: z.string(), type: z.string(), at: z.number() })),
  answered: z.boolean(),
  durationSeconds: z.number().nullable(),
  recordingUrl: text,
  endedAt: z.number().nullable(),
});

export const callLogs = createDocumentStore<CallLog>({
  table: 'call_logs',
  state: callLog,
  columns: [
    { name: 'call_id', type: 'text', of: (state) => state.callId },
    { name: 'task_id', type: 'text', of: (state) => state.taskId },
  ],
});
