/** From a number to the place it rings in: country by the numbering plan, time zone and language of most people there. */
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { Region } from './domain/task.ts';

/** country: [time zone of its largest city, language most spoken]. Facts of IANA's zone.tab and CLDR. */
const PLACES: Readonly<Record<string, readonly [string, string]>> = {
  AE: ['Asia/Dubai', 'ar'],
  AR: ['America/Argentina/Buenos_Aires', 'es'],
  AT: ['Europe/Vienna', 'de'],
  AU: ['Australia/Sydney', 'en'],
  BE: ['Europe/Brussels', 'nl'],
  BR: ['America/Sao_Paulo', 'pt'],
  CA: ['America/Toronto', 'en'],
  CH: ['Europe/Zurich', 'de'],
  CL: ['America/Santiago', 'es'],
  CN: ['Asia/Shanghai', 'zh'],
  CO: ['America/Bogota', 'es'],
  CZ: ['Europe/Prague', 'cs'],
  DE: ['Europe/Berlin', 'de'],
  DK: ['Europe/Copenhagen', 'da'],
  ES: ['Europe/Madrid', 'es'],
  FI: ['Europe/Helsinki', 'fi'],
  FR: ['Europe/Paris', 'fr'],
  GB: ['Europe/London', 'en'],
  GR: ['Europe/Athens', 'el'],
  HU: ['Europe/Budapest', 'hu'],
  IE: ['Europe/Dublin', 'en'],
  IL: ['Asia/Jerusalem', 'he'],
  IN: ['Asia/Kolkata', 'en'],
  IT: ['Europe/Rome', 'it'],
  JP: ['Asia/Tokyo', 'ja'],
  KR: ['Asia/Seoul', 'ko'],
  MX: ['America/Mexico_City', 'es'],
  NL: ['Europe/Amsterdam', 'nl'],
  NO: ['Europe/Oslo', 'no'],
  NZ: ['Pacific/Auckland', 'en'],
  PL: ['Europe/Warsaw', 'pl'],
  PT: ['Europe/Lisbon', 'pt'],
  RO: ['Europe/Bucharest', 'ro'],
  RU: ['Europe/Moscow', 'ru'],
  SA: ['Asia/Riyadh', 'ar'],
  SE: ['Europe/Stockholm', 'sv'],
  SG: ['Asia/Singapore', 'en'],
  TR: ['Europe/Istanbul', 'tr'],
  US: ['America/New_York', 'en'],
  ZA: ['Africa/Johannesburg', 'en'],
};

export function regionOf(phone: string | null): Region | null {
  const country = phone === null ? undefined : parsePhoneNumberFromString(phone)?.country;
  const place = country === undefined ? undefined : PLACES[country];
  return country === undefined || place === undefined
    ? null
    : { regionIso: country, timezone: place[0], languageCode: place[1] };
}
