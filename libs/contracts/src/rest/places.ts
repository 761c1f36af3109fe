/**
 * Languages, countries and time zones as they come in: one spelling of each, and none that does not exist. What exists is
 * Intl's to say (CLDR and IANA).
 */
import { z } from 'zod';

const languageNames = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' });
const regionNames = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });

/** Codes with a name that nobody speaks: several languages, and none. */
const NO_LANGUAGES: ReadonlySet<string> = new Set(['mul', 'zxx']);
/** Written forms of one language that is spoken on the telephone. */
const SPOKEN: Readonly<Record<string, string>> = { nb: 'no', nn: 'no' };
/** Codes with a name that are no countries. */
const NO_COUNTRIES: ReadonlySet<string> = new Set(['EU', 'EZ', 'QO', 'UN', 'XA', 'XB', 'ZZ']);

/**
 * The language alone, which is all that matching needs: `EN`, `en-AU` and `en-Latn-GB` are `en`, `zh-Hant` is `zh`, `iw` is
 * `he`, `nb` is `no`. Null for what is none.
 */
export function canonicalLanguage(text: string): string | null {
  const locale = localeOf(text);
  if (locale === null) return null;
  const { language, region } = locale;
  if (NO_LANGUAGES.has(language) || !hasName(languageNames, language)) return null;
  if (region !== undefined && !hasName(regionNames, region)) return null;
  return SPOKEN[language] ?? language;
}

/** ISO 3166-1 alpha-2 in capitals; `uk` and codes of the past become what they are today. Null for what is none. */
export function canonicalCountry(text: string): string | null {
  if (!/^[A-Za-z]{2}$/.test(text)) return null;
  const region = localeOf(`und-${text}`)?.region;
  return region === undefined || NO_COUNTRIES.has(region) || !hasName(regionNames, region) ? null : region;
}

function hasName(names: Intl.DisplayNames, code: string): boolean {
  try {
    return names.of(code) !== undefined;
  } catch {
    // Intl throws for codes that have the form of one and cannot be named, such as `und`.
    return false;
  }
}

function localeOf(text: string): Intl.Locale | null {
  try {
    return new Intl.Locale(text);
  } catch {
    // Intl throws for what has not the form of a language tag.
    return null;
  }
}

/** Zones that CLDR, and so Intl, still calls by an older name than IANA does. */
const RENAMED_ZONES: Readonly<Record<string, string>> = {
  'Africa/Asmera': 'Africa/Asmara',
  'America/Buenos_Aires': 'America/Argentina/Buenos_Aires',
  'America/Catamarca': 'America/Argentina/Catamarca',
  'America/Coral_Harbour': 'America/Atikokan',
  'America/Cordoba': 'America/Argentina/Cordoba',
  'America/Godthab': 'America/Nuuk',
  'America/Indianapolis': 'America/Indiana/Indianapolis',
  'America/Jujuy': 'America/Argentina/Jujuy',
  'America/Louisville': 'America/Kentucky/Louisville',
  'America/Mendoza': 'America/Argentina/Mendoza',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Atlantic/Faeroe': 'Atlantic/Faroe',
  'Europe/Kiev': 'Europe/Kyiv',
  'Pacific/Enderbury': 'Pacific/Kanton',
  'Pacific/Ponape': 'Pacific/Pohnpei',
  'Pacific/Truk': 'Pacific/Chuuk',
};

/** The IANA name: `europe/stockholm` is `Europe/Stockholm`, `Asia/Calcutta` is `Asia/Kolkata`. Null for what is none. */
export function canonicalTimezone(name: string): string | null {
  // Intl takes offsets too; they are no names and know no summer time.
  if (!/^[A-Za-z]/.test(name)) return null;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    return RENAMED_ZONES[timeZone] ?? timeZone;
  } catch {
    // Intl throws for a name that it does not know.
    return null;
  }
}

/** A text that comes in as `canonical` spells it, or is refused. */
const canonicalText = (canonical: (text: string) => string | null, charactersMax: number, refusal: string) =>
  z
    .string()
    .trim()
    .max(charactersMax)
    .transform((text, ctx): string => {
      const found = canonical(text);
      if (found !== null) return found;
      ctx.issues.push({ code: 'custom', message: refusal, input: text });
      return z.NEVER;
    });

export const languageCode = canonicalText(canonicalLanguage, 35, 'not a language (BCP 47), such as en or pt-BR');
export const countryIso = canonicalText(canonicalCountry, 2, 'not a country (ISO 3166-1 alpha-2)');
export const timezone = canonicalText(canonicalTimezone, 60, 'not an IANA time zone');

/** Two spellings of one are one. */
export const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];
