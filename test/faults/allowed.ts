/** How much a trial may leave in doubt, by what was done in it: the slack of one fault is no slack for the next. */
import type { ServiceName } from '@lead-flood/local';
import type { Fault } from './stage.ts';

export type Allowed = { readonly doubtsMax: number; readonly paidTwiceMax: number };

export type Happened = {
  readonly hit: ReadonlySet<ServiceName>;
  /** The providers know our keys. */
  readonly dedupe: boolean;
  /** Messages that the sandbox itself took or refused without an answer that could be used. */
  readonly disturbed: number;
};

/** Only the sender can leave a message in doubt, and only enrichment pays for lookups: another service's end costs neither. */
export const allowed = (fault: Pick<Fault, keyof Allowed>, { hit, dedupe, disturbed }: Happened): Allowed => ({
  doubtsMax: disturbed + (hit.has('outreach') ? fault.doubtsMax : 0),
  paidTwiceMax: !dedupe && hit.has('enrichment') ? fault.paidTwiceMax : 0,
});
