/**
 * From a number to the place it rings in: country by the numbering plan, time zones by its area where the plan has areas,
 * the language of most people there.
 */
import type { CountryCode, PhoneNumber } from 'libphonenumber-js/max';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { canonicalLanguage, canonicalTimezone } from '@lead-flood/contracts';
import type { Region } from './domain/task.ts';
import numberZones from './number-zones.json' with { type: 'json' };

/** Mobile numbers there belong to an area; elsewhere they tell the country alone. */
const AREA_MOBILES: ReadonlySet<CountryCode> = new Set<CountryCode>(['AR', 'BR', 'MX']);

/** Where work is done in another language than the one that CLDR takes for the likely one. */
const LANGUAGES: Readonly<Record<string, string>> = { IN: 'en' };

/** The same name for a zone whoever gives it. */
const iana = (zone: string): string => canonicalTimezone(zone) ?? zone;

const areas: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(numberZones.areas).flatMap(([zones, prefixes]) => {
    const names = zones.split('&').map(iana);
    return prefixes.split(' ').map((prefix) => [prefix, names] as const);
  }),
);
const PREFIX_DIGITS_MAX = Math.max(...[...areas.keys()].map((prefix) => prefix.length));

/** Null for a number of no country, and for a country whose zones or language nobody knows: it is not called. */
export function regionOf(phone: string | null): Region | null {
  const number = phone === null ? undefined : parsePhoneNumberFromString(phone);
  const country = number?.country;
  if (number === undefined || country === undefined) return null;
  const languageCode = LANGUAGES[country] ?? canonicalLanguage(new Intl.Locale(`und-${country}`).maximize().language);
  const inCountry = zonesOfCountry(country);
  const timezones = zonesOfArea(number, country, inCountry) ?? inCountry;
  if (timezones.length === 0 || languageCode === null) return null;
  return { regionIso: country, languageCode, timezones: fromWestToEast(timezones) };
}

/** Zones of the number's area; null where the number is no area's, or the area's zones are not all the country's own. */
function zonesOfArea(
  number: PhoneNumber,
  country: CountryCode,
  inCountry: readonly string[],
): readonly string[] | null {
  const type = number.getType();
  const hasArea = type === 'FIXED_LINE' || type === 'FIXED_LINE_OR_MOBILE' || AREA_MOBILES.has(country);
  if (!hasArea) return null;
  const digits = number.number.slice(1);
  for (let n = Math.min(digits.length, PREFIX_DIGITS_MAX); n > 0; n -= 1) {
    const zones = areas.get(digits.slice(0, n));
    // Kaliningrad stands in the map as Bucharest: what is not of this country is a guess.
    if (zones !== undefined) return zones.every((zone) => inCountry.includes(zone)) ? zones : null;
  }
  return null;
}

/** Asking Intl takes some milliseconds for a country of many zones. */
const byCountry = new Map<CountryCode, readonly string[]>();

function zonesOfCountry(country: CountryCode): readonly string[] {
  const known = byCountry.get(country);
  if (known !== undefined) return known;
  const zones = (new Intl.Locale(`und-${country}`).getTimeZones() ?? []).map(iana);
  byCountry.set(country, zones);
  return zones;
}

/** A winter's day of the north: which of two zones lies west of the other is the same on any. */
const SOME_DAY = Date.UTC(2026, 0, 15);

const fromWestToEast = (zones: readonly string[]): readonly string[] =>
  zones.length === 1 ? zones : zones.toSorted((a, b) => offsetOf(a) - offsetOf(b) || (a < b ? -1 : 1));

const offsets = new Map<string, number>();

/** Hours from UTC, on that day. */
function offsetOf(zone: string): number {
  const known = offsets.get(zone);
  if (known !== undefined) return known;
  const parts = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(SOME_DAY);
  const [, sign = '+', hours = '0', minutes = '0'] =
    /GMT([+-])(\d{2}):(\d{2})/.exec(parts.find(({ type }) => type === 'timeZoneName')?.value ?? '') ?? [];
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) + Number(minutes) / 60);
  offsets.set(zone, offset);
  return offset;
}
