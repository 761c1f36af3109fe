/**
 * Call-allocation at a glance.
 *
 *   scoring.lead.v1 ─────┐                                   GET /v1/call-tasks/current ─┐ the same
 *   outreach.message.v1 ─┼─▶ call-allocation ─▶ call-allocation.task.v1  ◀───────────────┘ decisions
 *   ingest.call.v1 ──┬───┘      CallTaskCreated | Assigned | Completed | Requeued | Declined
 *                    └──────▶ call-allocation-calls ─▶ call-allocation.call.v1  (CallLogged)
 */
import { join } from 'node:path';
import { callAllocationRoutes } from '@lead-flood/contracts';
import { batchProcessor, erase } from '@lead-flood/processor';
import { addServiceRoutes, defineService, shellOptions } from '@lead-flood/service';
import { config } from './config.ts';
import { errorCodes } from './errors.ts';
import { handlers } from './http.ts';
import { callAllocation, calls } from './processor.ts';

export const service = defineService({
  name: 'call-allocation',
  schema: 'call_allocation',
  migrations: join(import.meta.dirname, '../migrations'),
  config,
  writes: [
    'CallTaskCreated',
    'CallTaskAssigned',
    'CallTaskCompleted',
    'CallTaskRequeued',
    'CallTaskDeclined',
    'CallLogged',
  ],
  errorCodes,
  build: ({ config: settings, database, applier }, server) => {
    addServiceRoutes(
      server,
      callAllocationRoutes,
      handlers({ database, applier: applier(erase(callAllocation)) }),
      settings,
    );
    return {
      processors: [
        batchProcessor(callAllocation, shellOptions(settings)),
        batchProcessor(calls, shellOptions(settings)),
      ],
    };
  },
});
