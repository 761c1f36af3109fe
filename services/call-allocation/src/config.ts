/** When a person who was called is called again. */
import { z } from 'zod';

export const config = z.object({
  CALL_RETRY_DELAY_HOURS: z.coerce
    .number()
    .min(0)
    .max(8_760)
    .default(24)
    .describe('After RETRYABLE_REJECTION the task waits so many hours before it may be called again.'),
  CALL_CHASE_DELAY_HOURS: z.coerce
    .number()
    .min(0)
    .max(8_760)
    .default(24)
    .describe('After INTERESTED_SIGNUP_LINK_SENT the chase call is due so many hours later.'),
  CALL_RECALLS_MAX: z.coerce
    .number()
    .int()
    .min(0)
    .max(100)
    .default(3)
    .describe('How often one task may come back after an outcome; 0 switches that off.'),
  CALL_OFFERS_ENABLED: z
    .stringbool()
    .default(true)
    .describe('Whether every active caller without a task is given one each minute; without it they ask.'),
});
