/**
 * When most of a batch would be set aside for one reason, the reason is ours and not the messages': a missing table, a
 * broken handler, a writer gone mad. The group stops and says so instead of draining its stream into the dead letters.
 */
import { CodedError } from '@lead-flood/kernel';
import { sqlState } from '@lead-flood/postgres';
import type { Refused } from './decode.ts';

/** Fewer may be one careless writer's, and a small batch must not halt a group. */
const AT_LEAST = 10;
/** Where most of the messages are good, the bad ones are to blame for themselves. */
const SHARE = 0.5;
/** How long a halted group waits before it looks whether somebody has mended the cause: a human's pace, and each look costs a batch. */
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
  // What outsiders wrote and nobody can read is theirs alone: ten such records of one of them must not stop all.
  const ours = refused.filter(({ foreign }) => foreign !== true);
  for (const [code, group] of Map.groupBy(ours, (r) => r.code)) {
    if (group.length >= AT_LEAST && group.length > total * SHARE) throw new FloodError(code, group.length, total);
  }
}

/** Outcomes after which what went before counts half. */
const REMEMBERED = 500;

export type SetAside = {
  /** A message was set aside by itself. */
  readonly add: () => void;
  /** So many were committed as they should. */
  readonly passed: (messages: number) => void;
  /** The flood that one more would be, or null. */
  readonly next: (code: string) => FloodError | null;
};

/**
 * The same limit for messages that the database refuses one by one: each is a batch of its own there, so that a new
 * constraint which nothing meets would else drain the whole stream, a message at a time.
 */
export function countSetAside(): SetAside {
  let [aside, good] = [0, 0];
  const forget = (): void => {
    if (aside + good > REMEMBERED) [aside, good] = [aside / 2, good / 2];
  };
  return {
    add() {
      aside += 1;
      forget();
    },
    passed(messages) {
      good += messages;
      forget();
    },
    next(code) {
      const isFlood = aside + 1 >= AT_LEAST && aside + 1 > (aside + 1 + good) * SHARE;
      return isFlood ? new FloodError(code, Math.ceil(aside + 1), Math.ceil(aside + 1 + good)) : null;
    },
  };
}

/** Our statement, our rights, our schema, the server itself: no message can be to blame for these. */
const OURS = /^(0A|25|26|28|3D|3F|42|57|58|F0|HV|XX)/;

/** Whether one message's data can be the cause, be it a value, a constraint, a size (54) or twice the same row (21). */
export function isolates(error: Error): boolean {
  const state = sqlState(error);
  return state === null || !OURS.test(state);
}
