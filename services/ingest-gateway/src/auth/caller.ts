/** Who is at the door, and by which of the three kinds of credential. */
import type { Principal } from '@lead-flood/contracts';

export type Plan = 'free' | 'starter' | 'pro' | 'enterprise';

export type Caller = {
  readonly principal: Principal;
  /** The session of a cookie or of a token from login; null for minted tokens and API keys. */
  readonly sessionId: string | null;
  readonly apiKey: { readonly id: string; readonly plan: Plan } | null;
};
