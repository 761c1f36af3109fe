/** Call-allocation needs nothing beyond what every service reads. */
import { z } from 'zod';

export const config = z.object({});
