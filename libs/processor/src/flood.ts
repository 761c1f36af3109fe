/**
 * When most of a batch would be set aside for one reason, the reason is ours and not the messages': a missing table, a
 * broken handler, a writer gone mad. The group stops and says so instead of draining its stream into the dead letters.
 */
import { CodedError, planted } from '@lead-flood/kernel';
import { sqlState } from '@lead-flood/postgres';
import type { Refused } from './decode.ts';

const AT_LEAST = 10;
const SHARE = 0.5;
/** How long a halted group waits before it looks whether somebody has mended the cause. */
export const haltedPauseMs = 30_000;

export class FloodError extends CodedError {
  constructor(code: string, count: number, of: number) {
    super(
      'PRC_ERR_FLOOD',
      `${count} of ${of} messages would be dead-lettered with ${code}: stopped, a human should look`,
    );
    this.name = 'FloodError';
  }
}

export function refuseFlood(refused: readonly Refused[], total: number): void {
  for (const [code, group] of Map.groupBy(refused, (r) => r.code)) {
    if (group.length >= AT_LEAST && group.length > total * SHARE && !planted('no-flood-stop'))
      throw new FloodError(code, group.length, total);
  }
}

/** Whether one message's data can be the cause: data exceptions and broken constraints. A missing table never is. */
export function isolates(error: Error): boolean {
  const state = sqlState(error);
  return state === null || state.startsWith('22') || state.startsWith('23');
}
