/** Who is at the door, and by which of the three kinds of credential. */
import type { Principal } from '@lead-flood/contracts';

export type Plan = 'free' | 'starter' | 'pro' | 'enterprise';

export type Caller = {
  readonly principal: Principal;
  /** The session of a cookie or of a token from login, or the one behind a minted token; null for API keys. */
  readonly sessionId: string | null;
  /** By a token that an administrator made: it neither mints others nor ends the session behind it. */
  readonly isMinted: boolean;
  readonly apiKey: { readonly id: string; readonly plan: Plan } | null;
};
