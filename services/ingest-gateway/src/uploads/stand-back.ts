/**
 * A long file is work for minutes, and a core is what single leads need as well: while any come, reading stands back after
 * each piece for a few times as long as the piece took.
 */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

/** A quarter of a core then goes to the file. */
const REST_TIMES = 3;
/** A piece that took long waited for others, the database for one: an upload must come to an end. */
const REST_MS_MAX = 500;

/** Call after each piece of work, some ten milliseconds long. */
export function createStandBack(areSinglesComing: () => Promise<boolean>): () => Promise<void> {
  let since = performance.now();
  return async () => {
    // In any case whatever else has come gets its turn.
    await nextTurn();
    if (await areSinglesComing()) await delay(Math.min(REST_MS_MAX, (performance.now() - since) * REST_TIMES));
    since = performance.now();
  };
}
