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

/**
 * What systems of several languages export for "may not be contacted", as `bare` writes it. The whole of the field must be
 * one of them: of anything else the ground is kept as given.
 */
const REFUSALS: ReadonlySet<string> = new Set(
  [
    'no, n, false, 0, none, refused, refusal, denied, declined, withdrawn, revoked, not given',
    'objected, objection, unsubscribed, opt out, opted out, optout, no consent, do not contact',
    'do not call, do not mail, do not email, dnc',
    'nein, falsch, keine, keine einwilligung, abgelehnt, verweigert, widerrufen, widersprochen',
    'nicht erteilt, abgemeldet, nicht kontaktieren',
    'non, faux, refuse, refusee, retire, revoque, oppose, desinscrit, desabonne, ne pas contacter',
    'falso, denegado, rechazado, retirado, revocado, negato, rifiutato, revocato, ritirato',
    'nao, recusado, revogado, nee, geweigerd, ingetrokken, nej, nekat, aterkallat, afvist',
  ].flatMap((line) => line.split(', ')),
);

/** Lower case, without accents; whatever stands between words is one blank. */
const bare = (text: string): string =>
  text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** Null where nothing was said. */
export function consentOf({ consent, source, submittedAt }: LeadSubmitted): Consent | null {
  const basis = consent?.basis?.trim() ?? '';
  const note = consent?.note?.trim() ?? '';
  if (basis === '' && note === '') return null;
  return {
    basis: basis === '' ? null : basis,
    note: note === '' ? null : note,
    source,
    refuses: REFUSALS.has(bare(basis)),
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
