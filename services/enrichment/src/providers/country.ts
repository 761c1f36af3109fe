/** Country names as providers write them, back to ISO 3166-1 alpha-2. */

const ALIASES: Readonly<Record<string, string>> = {
  usa: 'US',
  'united states of america': 'US',
  uk: 'GB',
  england: 'GB',
  scotland: 'GB',
  wales: 'GB',
  'northern ireland': 'GB',
  'czech republic': 'CZ',
  turkey: 'TR',
  'hong kong': 'HK',
  macau: 'MO',
  'the netherlands': 'NL',
  'republic of ireland': 'IE',
  'viet nam': 'VN',
  burma: 'MM',
  'ivory coast': 'CI',
};

let known: ReadonlyMap<string, string> | null = null;

/** `Germany`, `germany` or `de` -> `DE`; `null` for what is no country. */
export function countryIso(name: string | null | undefined): string | null {
  const wanted = name?.trim().toLowerCase() ?? '';
  if (wanted === '') return null;
  known ??= readNames();
  return ALIASES[wanted] ?? known.get(wanted) ?? null;
}

/** Every pair of letters that Unicode knows as a country of today, by name and by code. */
function readNames(): ReadonlyMap<string, string> {
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
  const letters = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + index));
  const codes = letters.flatMap((a) => letters.map((b) => a + b));
  const found = new Map<string, string>();
  for (const code of codes) {
    // withdrawn codes (DD, SU) stand for their successors and would steal their names
    if (new Intl.Locale(`und-${code}`).region !== code) continue;
    const name = names.of(code);
    if (name === undefined || /^(EU|EZ|UN|XA|XB|ZZ|QO)$/.test(code)) continue;
    found.set(name.toLowerCase(), code);
    found.set(code.toLowerCase(), code);
  }
  return found;
}
