/** A submission after normalisation: what can be recognised in it, and what is wrong with it. */
import type { Company, Person, RejectionReason } from '@lead-flood/contracts';

export type KeyKind = 'email' | 'phone' | 'linkedin';

/** A strong key: whoever shares one is the same person (decision C-17). */
export type IdentityKey = { readonly kind: KeyKind; readonly value: string };

export type Submission = {
  readonly person: Person;
  readonly company: Company;
  readonly keys: readonly IdentityKey[];
  /** Reasons for which it cannot become a lead; empty = it can. */
  readonly problems: readonly RejectionReason[];
};

export const keyText = (key: IdentityKey): string => `${key.kind}:${key.value}`;
