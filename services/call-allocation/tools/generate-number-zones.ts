/**
 * Writes src/task/number-zones.json from libphonenumber's time-zone map:
 *
 *   curl -O https://raw.githubusercontent.com/google/libphonenumber/master/resources/timezones/map_data.txt
 *   node services/call-allocation/tools/generate-number-zones.ts map_data.txt
 *
 * Only prefixes of areas are kept, none that says what a shorter one says already. What the map tells of a whole country
 * is left out: it gives Morocco the clock of the Canaries.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCountries, getCountryCallingCode } from 'libphonenumber-js/max';

const [, , mapFile] = process.argv;
if (mapFile === undefined) throw new Error('say where map_data.txt lies');

/**
 * Areas of which the map knows the largest part only, by the plans of their authorities: 07 is Queensland, which has no
 * summer time, and a corner of New South Wales (ACMA, Numbering Plan 2015); 867 is Yukon, the Northwest Territories and
 * Nunavut (CNAC). Blocks that the map knows more closely stay as they are.
 */
const corrections: Readonly<Record<string, string>> = {
  617: 'Australia/Brisbane&Australia/Sydney',
  1867: 'America/Edmonton&America/Iqaluit&America/Whitehorse',
};

const callingCodes = new Set<string>(getCountries().map((country) => getCountryCallingCode(country)));
const known = new Map<string, string>();
const byZones = new Map<string, string[]>();

const lines = readFileSync(mapFile, 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [prefix, zones] = line.trim().split('|');
    if (prefix === undefined || zones === undefined || !/^\d+$/.test(prefix)) return [];
    return [{ prefix, zones: corrections[prefix] ?? zones }];
  })
  .toSorted((a, b) => a.prefix.length - b.prefix.length || a.prefix.localeCompare(b.prefix));

for (const { prefix, zones } of lines) {
  known.set(prefix, zones);
  if (callingCodes.has(prefix) || zonesOfShorter(prefix) === zones) continue;
  byZones.set(zones, [...(byZones.get(zones) ?? []), prefix]);
}

/** What the longest shorter prefix of an area says. */
function zonesOfShorter(prefix: string): string | undefined {
  for (let n = prefix.length - 1; n > 0; n -= 1) {
    const shorter = prefix.slice(0, n);
    if (callingCodes.has(shorter)) return undefined;
    const zones = known.get(shorter);
    if (zones !== undefined) return zones;
  }
  return undefined;
}

const areas = Object.fromEntries(
  [...byZones].toSorted(([a], [b]) => a.localeCompare(b)).map(([zones, prefixes]) => [zones, prefixes.join(' ')]),
);
writeFileSync(
  join(import.meta.dirname, '../src/task/number-zones.json'),
  `${JSON.stringify(
    {
      source: 'https://github.com/google/libphonenumber, resources/timezones/map_data.txt of 2026-07-17 (f7e3e88)',
      licence: 'Apache-2.0, Copyright (C) 2012 The Libphonenumber Authors',
      generatedBy: 'tools/generate-number-zones.ts',
      areas,
    },
    null,
    2,
  )}\n`,
);
