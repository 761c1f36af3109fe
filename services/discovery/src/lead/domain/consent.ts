/**
 * On what ground a person may be contacted, as whoever hands a lead in says. The newest counts, but for one thing: a
 * refusal stands, since a list of last year must not undo what the person has said since.
 */
import type { LeadSubmitted } from '@lead-flood/contracts';

export type Consent = {
  readonly basis: string | null;
  readonly note: string | null;
  readonly source: string;
  readonly refuses: boolean;
  readonly givenAt: number;
};

/** Words for "may not be contacted" in the exports of other systems; of anything else the ground is kept as given. */
const REFUSALS =
  /^(refused|refusal|withdrawn|revoked|objected|objection|opt(ed)?[ _-]?out|unsubscribed|do[ _-]?not[ _-]?(contact|call|mail|email)|no|none|false|denied|declined)$/i;

/** Null where nothing was said. */
export function consentOf({ consent, source, submittedAt }: LeadSubmitted): Consent | null {
  const basis = consent?.basis?.trim() ?? '';
  const note = consent?.note?.trim() ?? '';
  if (basis === '' && note === '') return null;
  return {
    basis: basis === '' ? null : basis,
    note: note === '' ? null : note,
    source,
    refuses: REFUSALS.test(basis),
    givenAt: submittedAt,
  };
}

/** What is to be kept, or null where nothing changes. */
export function newerConsent(known: Consent | null, given: Consent | null): Consent | null {
  if (given === null) return null;
  if (known === null) return given;
  if (known.refuses) return null;
  const isSame = known.basis === given.basis && known.note === given.note;
  if (isSame) return null;
  return given.refuses || given.givenAt >= known.givenAt ? given : null;
}
