/**
 * A mailbox or a number as suppression compares it: whoever asked for silence gets it in whatever spelling the next lead
 * names them. What mail is sent to stays as it was written.
 */
/** As in every event's person. */
type Addressed = { readonly email: string | null; readonly phone: string | null };

export type AddressKey = { readonly kind: 'email' | 'phone'; readonly value: string };

export function addressKeysOf(person: Addressed | null): readonly AddressKey[] {
  const keys: AddressKey[] = [];
  const mailbox = mailboxOf(person?.email ?? '');
  const number = numberOf(person?.phone ?? '');
  if (mailbox !== null) keys.push({ kind: 'email', value: mailbox });
  if (number !== null) keys.push({ kind: 'phone', value: number });
  return keys;
}

/** Lower case and without the tag behind a plus sign, which is the same person's. */
function mailboxOf(text: string): string | null {
  const bare = text.normalize('NFKC').trim().toLowerCase();
  const at = bare.lastIndexOf('@');
  if (at < 1) return null;
  const local = bare.slice(0, at);
  const plus = local.indexOf('+');
  return `${plus > 0 ? local.slice(0, plus) : local}${bare.slice(at)}`;
}

/** Digits with a plus sign: 00 is one too, and what stands between digits is decoration. */
function numberOf(text: string): string | null {
  const bare = text.normalize('NFKC').replaceAll(/[^\d+]/g, '');
  const international = bare.startsWith('00') ? `+${bare.slice(2)}` : bare;
  return international.length < 5 ? null : international;
}
