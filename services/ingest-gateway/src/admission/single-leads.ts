/**
 * Does anybody hand in leads one by one just now? Somebody waits for each of those, so for a while files and lists take less
 * of the line than it has. The replicas share what they see: leads come in here, an import is let in there.
 */
import { z } from 'zod';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';

export type SingleLeads = {
  /** A single lead came. Writes at times, and never waits. */
  readonly note: () => void;
  readonly areComing: () => Promise<boolean>;
};

/** One a minute is enough to be counted: the next one should find short queues as well. */
const REMEMBERED_SECONDS = 60;
const TELL_EVERY_MS = 5_000;

export function createSingleLeads(database: Database, onError: (error: unknown) => void): SingleLeads {
  let toldAt = Number.NEGATIVE_INFINITY;
  return {
    note: () => {
      const now = performance.now();
      if (now - toldAt < TELL_EVERY_MS) return;
      toldAt = now;
      database.query(sql.unsafe`update single_leads set seen_at = now()`).catch(onError);
    },
    areComing: async () => {
      try {
        return await database.oneFirst(sql.type(z.object({ coming: z.boolean() }))`
          select seen_at > now() - ${REMEMBERED_SECONDS} * interval '1 second' as coming from single_leads
        `);
      } catch (error) {
        // No import ends because nobody could say: it goes on, gently.
        onError(error);
        return true;
      }
    },
  };
}
