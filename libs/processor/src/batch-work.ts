/**
 * One transaction's records until they are dealt with, each of them decided or set aside.
 *
 *   seven moves ──ok──▶ done
 *      │  ├─ a conflict: again after a pause, a few times ─┐
 *      │  └─ data that the database refuses ───────────────┴─▶ halves, down to the one message: a dead letter
 *      └─ a fault that may pass, a bug of ours, most of it refused for one reason ─▶ thrown: the whole fetch waits
 *
 * When most of a batch would become dead letters for one reason, it throws instead of draining the stream.
 */
import type { RawRecord } from '@lead-flood/kafka';
import { InvariantError, TransientError, toError } from '@lead-flood/kernel';
import { isConflict, repeat } from '@lead-flood/postgres';
import type { Moves, Work } from './batch.ts';
import { processRecords } from './batch.ts';
import type { Refused } from './decode.ts';
import { countSetAside, FloodError, isolates } from './flood.ts';
import { CONFLICTS_MAX, retryPauseMs } from './until-done.ts';

export function createWork(moves: Moves): (work: Work) => Promise<void> {
  const { processor, deps } = moves;
  const setAside = countSetAside();

  async function processWork(work: Work, triesMax: number): Promise<void> {
    try {
      // Others' transactions are over in some milliseconds; who still conflicts then has the reason in its own data.
      await repeat(() => processRecords(moves, work), {
        mayPass: isConflict,
        triesMax,
        pauseMs: retryPauseMs,
        onFailure: (error) => {
          if (isConflict(error)) deps.telemetry.error(processor.group, error, 'a batch is repeated');
        },
      });
      setAside.passed(work.records.length);
    } catch (thrown) {
      const error = toError(thrown);
      if (!isConflict(error)) {
        if (error instanceof TransientError || error instanceof InvariantError || error instanceof FloodError)
          throw error;
        if (!isolates(error)) throw new FloodError('PRC_ERR_UNSTORABLE', work.records.length, work.records.length);
      }
      await isolate(work, error);
    }
  }

  /** Something in the data makes the database refuse: halve until one message is left. */
  async function isolate(work: Work, error: Error): Promise<void> {
    const { records, places } = work;
    const [only] = records;
    if (only === undefined) return;
    if (records.length > 1) {
      const middle = records.length >> 1;
      for (const half of [records.slice(0, middle), records.slice(middle)])
        await processWork({ records: half, places }, triesOfHalf(half, error));
      return;
    }
    const code = isConflict(error) ? 'PRC_ERR_NO_PROGRESS' : 'PRC_ERR_UNSTORABLE';
    const flood = setAside.next(code);
    if (flood !== null) throw flood;
    deps.telemetry.error(processor.group, error, 'a message was set aside');
    const refused: Refused = { record: only, code, detail: codeOf(error), step: 'save' };
    await processRecords(moves, work, refused);
    setAside.add();
  }

  return (work) => processWork(work, CONFLICTS_MAX);
}

/** Halves of what keeps conflicting are not waited for again; only the one message in the end is given a chance. */
const triesOfHalf = (half: readonly RawRecord[], error: Error): number =>
  !isConflict(error) ? CONFLICTS_MAX : half.length > 1 ? 1 : 3;

const codeOf = (error: Error): string => {
  const cause = toError(error.cause ?? error);
  return 'code' in cause && typeof cause.code === 'string' ? `SQLSTATE ${cause.code}` : error.name;
};
