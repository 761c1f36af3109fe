/** EN-13: in Canada, Great Britain, Australia and Europe only professional e-mail addresses may be used. */

const EUROPE =
  'AD AL AT BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SK SM UA VA XK';
const PROFESSIONAL_ONLY = new Set([...EUROPE.split(' '), 'CA', 'AU']);

export const professionalOnly = (countryIso: string | null): boolean =>
  countryIso !== null && PROFESSIONAL_ONLY.has(countryIso);
