/** How much analytics takes at once, how long dead letters are kept; everything else is what every service reads. */
import { z } from 'zod';

export const config = z.object({
  // Batches are cut from a fetch over all topics. A larger cut holds more events of the same lead, and what costs is the
  // row that is saved (about 125 us), not the event (about 6 us): instead of BATCH_MESSAGES_MAX. Not larger still: behind a
  // backlog a rebalance waits for the transaction that runs, and on a busy machine 5,000 were some seconds.
  ANALYTICS_BATCH_MESSAGES_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(2_000)
    .describe('Most messages of one transaction of the projection.'),
  ANALYTICS_BATCH_GATHER_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(1_000)
    .default(50)
    .describe('Most milliseconds between two fetches of the projection; more saves work and shows leads later.'),
  ANALYTICS_DEAD_LETTERS_HOT_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_650)
    .default(30)
    .describe('Days after which a dead letter leaves the table that the list reads.'),
  ANALYTICS_DEAD_LETTERS_KEPT_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_650)
    .default(180)
    .describe('Days after which an archived dead letter is deleted for good.'),
});
