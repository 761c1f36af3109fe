/** Who has sent a post: the account whose secret fits. Knows neither schemes nor bodies. */
import { CodedError } from '@lead-flood/kernel';
import type { SignatureScheme, SignedPost } from './signature-schemes.ts';

export type Account = {
  /** Whose events these are, and within which their ids are unique; empty where one account serves all organisations. */
  readonly orgId: string;
  readonly secret: string;
};

const SKEW_SECONDS_MAX = 300;

/** Throws a code of its own for each way of being wrong, so that an integrator sees which (GW-25). */
export function verifySignature(
  post: SignedPost,
  scheme: SignatureScheme,
  accounts: readonly Account[],
  now: number,
): Account {
  if (accounts.length === 0)
    throw new CodedError('IGW_ERR_WEBHOOK_NOT_CONFIGURED', 'this webhook has no secret configured');
  const claim = scheme(post);
  // The signature before the clock: an unsigned post must not learn what our clock says.
  const account = accounts.find(({ secret }) => claim.isBy(secret));
  if (account === undefined)
    throw new CodedError('IGW_ERR_SIGNATURE_MISMATCH', 'the signature is not that of these bytes with our secret');
  const { sentAtSeconds } = claim;
  // Not a number is no time at all.
  if (sentAtSeconds !== null && !(Math.abs(now / 1_000 - sentAtSeconds) <= SKEW_SECONDS_MAX))
    throw new CodedError(
      'IGW_ERR_CLOCK_SKEW',
      `the timestamp is more than ${SKEW_SECONDS_MAX} seconds away from our clock`,
    );
  return account;
}
