/** The caller's task, the operator's view, and keys that were set aside. */
import { z } from 'zod';
import type { callTaskRoutes, CallTaskView, Handlers, parkedRoutes } from '@lead-flood/contracts';
import type { Clock } from '@lead-flood/kernel';
import { CodedError } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { sql, sqlState } from '@lead-flood/postgres';
import type { Applier } from '@lead-flood/processor';
import { callerOfUser } from '../caller/store.ts';
import { openAreas } from './calling-area.ts';
import { activeTaskOf, matchingTasks } from './matching.ts';
import { isOpen } from './domain/calling-hours.ts';
import type { Task } from './domain/task.ts';
import type { CallCommands } from './processor.ts';
import type { Parking } from './parking.ts';
import { tasks } from './store.ts';

/** Candidates looked at in one request: others may take the first ones in the same moment. */
const CANDIDATES = 10;

export type TaskDeps = {
  readonly clock: Clock;
  readonly database: Database;
  readonly applier: Applier<Task, CallCommands>;
  readonly parking: Parking;
};

export function taskHandlers(deps: TaskDeps): Handlers<typeof callTaskRoutes & typeof parkedRoutes> {
  const { clock, database, applier, parking } = deps;
  return {
    listParked: ({ query, principal }) => parking.list(principal.orgId, query.limit),
    listDrains: ({ query, principal }) => parking.drains(principal.orgId, query.limit),
    drainParked: ({ body, principal }) => parking.drain(principal, body),
    currentTask: async ({ principal, correlationId }) => {
      const { id: callerId, caller } = await callerOfUser(database, principal.orgId, principal.userId);
      const held = await activeTaskOf(database, callerId);
      if (held !== null) return { task: await readTask(deps, principal.orgId, held) };
      // Whoever is away is given nothing, by asking as little as by the clock.
      if (caller.allocationStatus !== 'ACTIVE') return { task: null };
      const open = await openAreas(database, clock.now());
      for (const taskId of await matchingTasks(database, principal.orgId, caller, open, CANDIDATES)) {
        const given = await tryAssign(deps, { orgId: principal.orgId, taskId, callerId, correlationId });
        if (given !== null) return { task: await readTask(deps, principal.orgId, given) };
      }
      return { task: null };
    },
    reportOutcome: async ({ params, body, principal, correlationId }) => {
      const { id: callerId } = await callerOfUser(database, principal.orgId, principal.userId);
      const { state } = await applier.apply({
        name: 'ReportOutcome',
        key: params.taskId,
        orgId: principal.orgId,
        correlationId,
        data: { orgId: principal.orgId, taskId: params.taskId, callerId, outcome: body.outcome },
      });
      return toView(params.taskId, state, clock.now());
    },
    operatorTasks: async ({ query, principal }) => {
      const rows = await database.anyFirst(sql.type(z.object({ key: z.string() }))`
        select key from call_tasks
        where org_id = ${principal.orgId} and status <> 'DECLINED'
          ${query.status === undefined ? sql.fragment`` : sql.fragment`and status = ${query.status}`}
          ${query.projectId === undefined ? sql.fragment`` : sql.fragment`and project_id = ${query.projectId}`}
        order by queued_at desc, key limit ${query.limit}
      `);
      const states = await tasks.load(database, rows);
      return {
        items: rows.flatMap((key) => {
          const stored = states.get(key);
          return stored?.state.kind === 'task' ? [toView(key, stored.state, clock.now())] : [];
        }),
      };
    },
    requeueTask: async ({ params, body, principal, correlationId }) => {
      const { state } = await applier.apply({
        name: 'RequeueTask',
        key: params.taskId,
        orgId: principal.orgId,
        correlationId,
        data: { orgId: principal.orgId, taskId: params.taskId, reason: body.reason },
      });
      return toView(params.taskId, state, clock.now());
    },
  };
}

type Assignment = {
  readonly orgId: string;
  readonly taskId: string;
  readonly callerId: string;
  readonly correlationId: string;
};

/** What may have happened to a candidate since it was found. */
const passedOver: ReadonlySet<string> = new Set([
  'CAL_ERR_TASK_TAKEN',
  'CAL_ERR_OUTSIDE_HOURS',
  'CAL_ERR_CALLER_AWAY',
  'CAL_ERR_SUPPRESSED',
]);

/** The task that the caller holds now: this one, or one given in the same moment. Null when this one cannot be given. */
async function tryAssign(deps: TaskDeps, { correlationId, ...command }: Assignment): Promise<string | null> {
  const { applier, database } = deps;
  try {
    const { orgId, taskId } = command;
    await applier.apply({ name: 'AssignTask', key: taskId, orgId, correlationId, data: command });
    return taskId;
  } catch (error) {
    if (error instanceof CodedError && passedOver.has(error.code)) return null;
    if (sqlState(error) !== '23505') throw error;
    const held = await activeTaskOf(database, command.callerId);
    if (held === null)
      throw new CodedError('CAL_ERR_TASK_TAKEN', 'the caller holds another task already', { cause: error });
    return held;
  }
}

async function readTask({ clock, database }: TaskDeps, orgId: string, taskId: string): Promise<CallTaskView> {
  const stored = await tasks.loadOf(database, orgId, taskId);
  if (stored === null) throw unknownTask();
  return toView(taskId, stored.state, clock.now());
}

const unknownTask = (): CodedError => new CodedError('CAL_ERR_UNKNOWN_TASK', 'there is no such task');

function toView(id: string, state: Task, now: number): CallTaskView {
  if (state.kind !== 'task') throw unknownTask();
  const {
    status,
    leadId,
    projectId,
    fullName,
    phone,
    company,
    region,
    priority,
    callerId,
    outcome,
    requeueReason,
    queuedAt,
  } = state;
  return {
    id,
    status,
    leadId,
    projectId,
    fullName,
    phone,
    company,
    ...region,
    timezones: [...region.timezones],
    timezone: region.timezones[0] ?? '',
    isOpen: isOpen(region, now),
    priority,
    callerId,
    outcome,
    requeueReason,
    queuedAt: new Date(queuedAt).toISOString(),
  };
}
