/** I5. From the history of events, not the current row: an interval begins with an assignment and ends with what ends it. */
import { z } from 'zod';
import { sql } from '@lead-flood/postgres';
import type { Invariant, Violation } from './invariant.ts';
import { finding } from './invariant.ts';
import type { World } from './world.ts';

type Interval = { readonly taskId: string; readonly callerId: string; readonly from: number; until: number };

export const callerIntervals: Invariant = {
  name: 'I5',
  sentence: 'The active tasks of a caller do not overlap in time.',
  atRest: false,
  async check(world) {
    const open = new Map<string, Interval>();
    const intervals: Interval[] = [];
    const close = (taskId: string, at: number): void => {
      const interval = open.get(taskId);
      if (interval !== undefined) interval.until = at;
      open.delete(taskId);
    };
    const events = await world.events('call-allocation.task.v1');
    for (const event of events) {
      if (event.name === 'CallTaskAssigned') {
        const { taskId, callerId, assignedAt } = event.data;
        close(taskId, assignedAt);
        const interval = { taskId, callerId, from: assignedAt, until: Number.POSITIVE_INFINITY };
        open.set(taskId, interval);
        intervals.push(interval);
      }
      if (event.name === 'CallTaskCompleted') close(event.data.taskId, event.data.completedAt);
      if (event.name === 'CallTaskRequeued') close(event.data.taskId, event.data.requeuedAt);
    }
    const silent = await cancelled(world);
    for (const [taskId, at] of silent) close(taskId, at);
    const violations = [...Map.groupBy(intervals, (interval) => interval.callerId)].flatMap(([callerId, all]) =>
      overlaps(
        callerId,
        all.toSorted((a, b) => a.from - b.from),
      ),
    );
    return finding(intervals.length, violations, [
      silent.size === 0
        ? null
        : `${silent.size} cancelled tasks: no event tells when, their row's last change is taken`,
    ]);
  },
};

function overlaps(callerId: string, sorted: readonly Interval[]): Violation[] {
  return sorted.flatMap((interval, i) => {
    const before = sorted[i - 1];
    if (before === undefined || before.until <= interval.from) return [];
    return [{ id: callerId, what: `held ${before.taskId} and ${interval.taskId} at once` }];
  });
}

const row = z.object({ key: z.string(), updated_at: z.number() });

/** A wish for silence or a merge ends a task without an event. */
async function cancelled(world: World): Promise<Map<string, number>> {
  const rows = await world
    .database('call_allocation')
    .any(sql.type(row)`select key, updated_at from call_tasks where status = 'CANCELLED'`);
  return new Map(rows.map((r) => [r.key, r.updated_at]));
}
