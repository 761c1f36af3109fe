/** What takes part in the comparison. */
import type { Lead, Servers } from './stages.ts';

export type Contender = {
  readonly name: string;
  /** What it is, and what it does not promise. */
  readonly note: string;
  /** Leads of one run: enough for some ten seconds of work. */
  readonly leads: number;
  /** Tables, queues or topics. */
  readonly prepare: (at: Servers) => Promise<void>;
  /** Puts all leads before the first stage. */
  readonly seed: (at: Servers, leads: readonly Lead[]) => Promise<void>;
  /** Runs all five stages in this process until it is killed. */
  readonly work: (at: Servers) => Promise<void>;
};
