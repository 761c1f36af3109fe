/**
 * Repeating on faults that may pass, the same for all three shells: the batch again with growing pauses, the flood after
 * a long one; what cannot pass ends the process.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Assignment, PartitionBatch } from '@lead-flood/kafka';
import { fault, toError, TransientError } from '@lead-flood/kernel';
import { growingPauseMs, repeat } from '@lead-flood/postgres';
import { FloodError, haltedPauseMs } from './flood.ts';
import type { Ownership } from './ownership.ts';
import type { Untyped } from './processor.ts';
import type { ShellDeps, Status } from './shell.ts';

/** A conflict is over in some milliseconds; a database that is away is asked so often that its return is hardly waited for. */
export const retryPauseMs = growingPauseMs({ first: 50, max: 5_000 });

/** After so many conflicts in a row (4 s in all) the batch is halved: one of its messages may meet itself each time. */
export const CONFLICTS_MAX = 6;

/** One small read of each member, and nothing is processed before it is answered. */
const BEGIN_RETRY_MS = 500;
/** Nobody tells of a partition that has to be given up: a pause looks for it so often. */
const LEAVING_LOOK_MS = 50;

/** A database that is away at the moment of a join is asked again; until then nothing is processed anyway. */
export async function beginUntilDone(
  ownership: Ownership,
  deps: Pick<ShellDeps, 'telemetry' | 'onFatal'>,
  group: string,
  assignment: Assignment,
): Promise<void> {
  try {
    await repeat(async () => void (assignment.isCurrent() && (await ownership.begin(assignment))), {
      mayPass: (error) => error instanceof TransientError && assignment.isCurrent(),
      pauseMs: () => BEGIN_RETRY_MS,
      onFailure: (error) => {
        if (assignment.isCurrent()) deps.telemetry.error(group, error, 'reading positions is repeated');
      },
    });
  } catch (error) {
    if (assignment.isCurrent()) deps.onFatal(toError(error));
  }
}

/**
 * Repeats on faults that may pass, until it is done (true) or the partitions go to somebody else (false). An attempt
 * that answers false has stopped in the middle, because they do.
 */
export async function untilDone(
  processor: Pick<Untyped, 'group'>,
  deps: Pick<ShellDeps, 'telemetry' | 'onFatal'>,
  ownership: Ownership,
  status: Status,
  batches: readonly PartitionBatch[],
  attempt: () => Promise<boolean>,
): Promise<boolean> {
  const leaving = (): boolean => batches.some((batch) => batch.leaving());
  async function unlessLeaving(): Promise<boolean> {
    if (leaving()) return false;
    const done = await attempt();
    status.halted = null;
    status.failingSince = null;
    await fault('processor.told');
    return done;
  }
  const done = await repeat(unlessLeaving, {
    mayPass: (error) => error instanceof FloodError || error instanceof TransientError,
    pauseMs: (tries, error) => (error instanceof FloodError ? haltedPauseMs : retryPauseMs(tries)),
    sleep: (ms) => pause(ms, leaving),
    onFailure: (error) => {
      // Whatever was copied of the positions may be wrong now: read them again.
      ownership.forget();
      status.failingSince ??= Date.now();
      deps.telemetry.error(processor.group, error, 'a batch is repeated');
      if (error instanceof FloodError) status.halted = error.message;
      else if (!(error instanceof TransientError)) deps.onFatal(error);
    },
  });
  // Leaving with work undone: the next owner starts from the row in Postgres, whatever kafkajs believes.
  if (!done) ownership.forget();
  return done;
}

async function pause(ms: number, leaving: () => boolean): Promise<void> {
  const until = Date.now() + ms;
  while (Date.now() < until && !leaving()) await delay(Math.min(LEAVING_LOOK_MS, until - Date.now()));
}
