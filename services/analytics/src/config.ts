/** How long dead letters are kept; everything else is what every service reads. */
import { z } from 'zod';

export const config = z.object({
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
