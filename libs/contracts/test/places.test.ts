/** Languages, countries and zones as they come in: one spelling of each, and none that does not exist. */
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { callerBody, canonicalTimezone, createLeadBody, icpBody, leadListQuery } from '../src/index.ts';

const caller = {
  email: 'ana@demo.lead-flood.example',
  name: 'Ana',
  timezone: 'Australia/Sydney',
  languageCodes: ['en'],
  regionIsoCodes: ['AU'],
};
const lead = { email: 'zoe@aurora.se.example' };
const pathsOf = (result: z.ZodSafeParseResult<unknown>): string[] =>
  (result.error?.issues ?? []).map(({ path }) => path.join('.'));

describe('a language', () => {
  it.each([
    ['en', 'en'],
    ['EN', 'en'],
    ['en-AU', 'en'],
    ['EN-au', 'en'],
    [' en ', 'en'],
    ['en-Latn-GB', 'en'],
    ['pt-BR', 'pt'],
    ['de-CH-1996', 'de'],
    ['zh-Hant-TW', 'zh'],
    ['cmn', 'zh'],
    ['iw', 'he'],
    ['in', 'id'],
    ['nb', 'no'],
    ['nn-NO', 'no'],
    ['no', 'no'],
    ['fil', 'fil'],
    ['yue', 'yue'],
  ])('[CA-01] %s is %s', (given, canonical) => {
    expect(callerBody.parse({ ...caller, languageCodes: [given] }).languageCodes).toEqual([canonical]);
  });

  it.each([
    'xx',
    'zz',
    'qq',
    'abc',
    'english',
    'en_AU',
    'en-XX',
    'und',
    'mul',
    'zxx',
    'mis',
    'qaa',
    '§\u0000',
    'e',
    '',
    '12',
    'x-private',
  ])('[CA-01] %j is none, and is refused with its place', (given) => {
    expect(pathsOf(callerBody.safeParse({ ...caller, languageCodes: ['en', given] }))).toEqual(['languageCodes.1']);
  });

  it('[CA-01] in two spellings is one', () => {
    expect(callerBody.parse({ ...caller, languageCodes: ['EN', 'sv', 'en-AU'] }).languageCodes).toEqual(['en', 'sv']);
  });
});

describe('a country', () => {
  it.each([
    ['DE', 'DE'],
    ['de', 'DE'],
    [' gb ', 'GB'],
    ['uk', 'GB'],
    ['XK', 'XK'],
  ])('%s is %s at every door', (given, canonical) => {
    expect(callerBody.parse({ ...caller, regionIsoCodes: [given] }).regionIsoCodes).toEqual([canonical]);
    expect(createLeadBody.parse({ ...lead, countryIso: given }).countryIso).toBe(canonical);
    expect(icpBody.parse({ name: 'X', targetCountries: [given, canonical] }).targetCountries).toEqual([canonical]);
    expect(leadListQuery.parse({ country: given }).country).toBe(canonical);
  });

  it.each(['XX', 'ZZ', 'EU', 'UN', 'QO', 'AA', 'Germany', 'DEU', 'D', '', '01', 'D\u0000'])('%j is none', (given) => {
    expect(pathsOf(callerBody.safeParse({ ...caller, regionIsoCodes: [given] }))).toContain('regionIsoCodes.0');
    expect(pathsOf(createLeadBody.safeParse({ ...lead, countryIso: given }))).toContain('countryIso');
    expect(pathsOf(icpBody.safeParse({ name: 'X', targetCountries: [given] }))).toContain('targetCountries.0');
    expect(pathsOf(leadListQuery.safeParse({ country: given }))).toContain('country');
  });
});

describe('a time zone', () => {
  it.each([
    ['Australia/Sydney', 'Australia/Sydney'],
    ['australia/sydney', 'Australia/Sydney'],
    ['Asia/Calcutta', 'Asia/Kolkata'],
    ['Asia/Kolkata', 'Asia/Kolkata'],
    ['europe/kiev', 'Europe/Kyiv'],
    ['US/Pacific', 'America/Los_Angeles'],
    ['UTC', 'UTC'],
  ])('[CA-01] %s is %s', (given, canonical) => {
    expect(callerBody.parse({ ...caller, timezone: given }).timezone).toBe(canonical);
  });

  it.each(['Mars/Base', '+05:00', '', 'Europe', 'Europe/Stockholm\u0000'])('[CA-01] %j is none', (given) => {
    expect(pathsOf(callerBody.safeParse({ ...caller, timezone: given }))).toEqual(['timezone']);
  });

  it('[CA-01] has the name that Intl takes, for every zone that Intl knows', () => {
    for (const zone of Intl.supportedValuesOf('timeZone')) {
      const name = canonicalTimezone(zone);
      expect(name === null ? null : canonicalTimezone(name), zone).toBe(name);
      expect(name, zone).not.toBeNull();
    }
  });
});
