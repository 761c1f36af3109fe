/**
 * Call-allocation at a glance.
 *
 *   discovery.lead.v1 ───┐  (LeadMerged)
 *   scoring.lead.v1 ─────┤                                   GET /v1/call-tasks/current ─┐ the same
 *   ..suppression.v1 ────┼─▶ call-allocation ─▶ call-allocation.task.v1  ◀───────────────┘ decisions
 *   ingest.call.v1 ──┬───┤      CallTaskCreated | Assigned | Completed | Requeued | Declined
 *   ..recall.v1 ─────┼───┤      RecallTask by a timer, to itself (call-allocation.recall.v1)
 *   ..offer.v1 ──────┼───┘      platform.tick.v1 ─▶ call-allocation-clock ─▶ OfferTask (call-allocation.offer.v1)
 *                    └──────▶ call-allocation-calls ─▶ call-allocation.call.v1  (CallLogged)
 *
 *   /v1/callers ─▶ call-allocation-callers ─▶ call-allocation.caller.v1  (CallerCreated, CallerUpdated)
 */
import { join } from 'node:path';
import { callerRoutes, callTaskRoutes, joinRoutes, parkedRoutes } from '@lead-flood/contracts';
import { batchProcessor } from '@lead-flood/processor';
import { addServiceRoutes, defineService, shellOptions } from '@lead-flood/service';
import { calls } from './call/processor.ts';
import { callerHandlers } from './caller/http.ts';
import { callerProcessor } from './caller/processor.ts';
import { clocks, createClock } from './clock/processor.ts';
import { config } from './config.ts';
import { errorCodes } from './errors.ts';
import { taskHandlers } from './task/http.ts';
import { createParking } from './task/parking.ts';
import { createCallAllocation } from './task/processor.ts';

const HOUR_MS = 3_600_000;

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
    'RecallTask',
    'OfferTask',
    'CallLogged',
    'CallerCreated',
    'CallerUpdated',
    'Ticked',
  ],
  ticks: clocks,
  errorCodes,
  build: ({ config: settings, clock, database, codec, wakeRelay, applier }, server) => {
    const callAllocation = createCallAllocation(
      {
        retryMs: settings.CALL_RETRY_DELAY_HOURS * HOUR_MS,
        chaseMs: settings.CALL_CHASE_DELAY_HOURS * HOUR_MS,
        recallsMax: settings.CALL_RECALLS_MAX,
      },
      clock,
    );
    const tasks = batchProcessor(callAllocation, shellOptions(settings));
    addServiceRoutes(server, callerRoutes, callerHandlers({ database, applier: applier(callerProcessor) }), settings);
    addServiceRoutes(
      server,
      joinRoutes(callTaskRoutes, parkedRoutes),
      taskHandlers({
        clock,
        database,
        applier: applier(callAllocation),
        parking: createParking({ database, codec, wakeRelay, processors: [tasks.processor] }),
      }),
      settings,
    );
    return {
      processors: [
        tasks,
        batchProcessor(calls, shellOptions(settings)),
        batchProcessor(createClock({ isOffering: settings.CALL_OFFERS_ENABLED, clock }), shellOptions(settings)),
      ],
    };
  },
});
