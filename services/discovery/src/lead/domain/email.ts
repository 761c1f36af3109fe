/** E-mail addresses: our own normaliser, since identity depends on it and must never change by a library's upgrade. */

// RFC 5321 lengths; quoted local parts and comments are refused on purpose: nobody's CRM means them.
const ADDRESS = /^[a-z0-9!#$%&'*/=?^_`{|}~.+-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/;

/** Lower case, trimmed, `mailto:` and angle brackets taken off; null when it is no address. */
export function normaliseEmail(text: string): string | null {
  const bare = text
    .normalize('NFKC')
    .trim()
    .toLowerCase()
    .replace(/^mailto:/, '')
    .replace(/^<(.*)>$/, '$1');
  const local = bare.slice(0, bare.indexOf('@'));
  if (!ADDRESS.test(bare) || bare.length > 254 || local.startsWith('.') || local.endsWith('.') || local.includes('..'))
    return null;
  return bare;
}

/** The same mailbox whatever tag stands behind the plus sign: what identity compares, not what mail is sent to. */
export function emailKey(address: string): string {
  const at = address.indexOf('@');
  const plus = address.indexOf('+');
  return plus > 0 && plus < at ? address.slice(0, plus) + address.slice(at) : address;
}
