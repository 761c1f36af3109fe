/** Where a number rings, and whether somebody may be called there at a moment. */
import { describe, expect, it } from 'vitest';
import { callingHours, defaultHours, isOpen } from '../src/task/domain/calling-hours.ts';
import { regionOf } from '../src/task/region.ts';

const zonesOf = (phone: string) => regionOf(phone)?.timezones;
const mayCall = (phone: string, at: string): boolean => {
  const region = regionOf(phone);
  return region !== null && isOpen(region, Date.parse(at));
};

describe('a number', () => {
  it.each([
    ['New York', '+12125550123', ['America/New_York']],
    ['Los Angeles', '+12135550160', ['America/Los_Angeles']],
    ['Honolulu', '+18085550161', ['Pacific/Honolulu']],
    ['Phoenix', '+16025550123', ['America/Phoenix']],
    ['Vancouver', '+16045550167', ['America/Vancouver']],
    ['Perth', '+61855500264', ['Australia/Perth', 'Australia/Adelaide']],
    ['Sydney', '+61255501234', ['Australia/Sydney']],
    ['Queensland', '+61755501234', ['Australia/Brisbane', 'Australia/Sydney']],
    ['Yukon or Nunavut', '+18675550123', ['America/Edmonton', 'America/Whitehorse', 'America/Iqaluit']],
    ['Manaus', '+559236221234', ['America/Manaus']],
    ['a mobile of Manaus', '+5592991234567', ['America/Manaus']],
    ['Vladivostok', '+74232221234', ['Asia/Vladivostok']],
    ['the Azores', '+351292200000', ['Atlantic/Azores']],
    ['the Canaries', '+34922123456', ['Atlantic/Canary']],
    ['Tijuana', '+526641234567', ['America/Tijuana']],
    ['Mexico City', '+525512345678', ['America/Mexico_City']],
    ['Jakarta', '+62211234567', ['Asia/Jakarta']],
    ['Jayapura', '+62967521234', ['Asia/Jayapura']],
    ['Mumbai', '+912212345678', ['Asia/Kolkata']],
  ])('[CA-19] of %s rings there', (_place, phone, zones) => {
    expect(zonesOf(phone)).toEqual(zones);
  });

  it.each([
    ['an Australian mobile', '+61412345678', ['Australia/Perth', 'Australia/Darwin', 'Australia/Sydney']],
    ['a Russian mobile', '+79161234567', ['Europe/Kaliningrad', 'Europe/Moscow', 'Asia/Kamchatka']],
    ['Kaliningrad, which the map takes for Bucharest', '+74012221234', ['Europe/Kaliningrad', 'Asia/Kamchatka']],
    ['a toll-free one of the United States', '+18005551234', ['Pacific/Honolulu', 'America/New_York']],
    ['a Portuguese mobile', '+351912345678', ['Atlantic/Azores', 'Europe/Lisbon']],
    ['an Indonesian mobile', '+628123456789', ['Asia/Jakarta', 'Asia/Makassar', 'Asia/Jayapura']],
  ])('[CA-19] of no area may ring in any zone of the country: %s', (_which, phone, some) => {
    expect(zonesOf(phone)).toEqual(expect.arrayContaining(some));
  });

  it('[CA-19] tells country and language as well', () => {
    expect(regionOf('+442079460123')).toEqual({ regionIso: 'GB', timezones: ['Europe/London'], languageCode: 'en' });
    expect(regionOf('+912212345678')).toMatchObject({ regionIso: 'IN', languageCode: 'en' });
    expect(regionOf('+4722123456')).toMatchObject({ regionIso: 'NO', languageCode: 'no' });
  });

  it.each([
    ['none', null],
    ['one of no country', '+80012345678'],
    ['one of a satellite', '+870773111632'],
    ['one of a country whose zones are not known', '+38343201234'],
    ['no number at all', 'call me'],
  ])('[CA-19] that is %s is nowhere, and so is not called', (_which, phone) => {
    expect(regionOf(phone)).toBeNull();
  });
});

describe('calling hours', () => {
  it.each([
    ['Los Angeles at 06:00, when it is nine in New York', '+12135550160', '2026-12-01T14:00:00Z', false],
    ['Los Angeles at 08:00', '+12135550160', '2026-12-01T16:00:00Z', true],
    ['Honolulu at 07:59', '+18085550161', '2026-12-01T17:59:00Z', false],
    ['Honolulu at 08:00', '+18085550161', '2026-12-01T18:00:00Z', true],
    ['Vancouver at 06:00, when it is nine in Toronto', '+16045550167', '2026-07-07T13:00:00Z', false],
    ['Vancouver at 21:29 on a weekday', '+16045550167', '2026-07-08T04:29:00Z', true],
    ['Vancouver at 18:00 on a Sunday', '+16045550167', '2026-07-06T01:00:00Z', false],
    ['Perth at 06:00, when it is nine in Sydney', '+61855500264', '2026-11-30T22:00:00Z', false],
    ['Perth at 09:00', '+61855500264', '2026-12-01T01:00:00Z', true],
    ['Darwin at 19:30 in summer, when Adelaide has shut', '+61889201234', '2026-12-01T10:00:00Z', false],
    [
      'Queensland at 08:30 in summer, when it is half past nine in Sydney',
      '+61755501234',
      '2026-11-30T22:30:00Z',
      false,
    ],
    ['Sydney at 16:59 on a Saturday', '+61255501234', '2026-12-05T05:59:00Z', true],
    ['Sydney at 17:00 on a Saturday', '+61255501234', '2026-12-05T06:00:00Z', false],
    ['Sydney on a Sunday', '+61255501234', '2026-12-06T01:00:00Z', false],
    ['Dubai at 17:59', '+97142345678', '2026-12-01T13:59:00Z', true],
    ['Dubai at 18:00', '+97142345678', '2026-12-01T14:00:00Z', false],
    ['Paris at 09:59', '+33142345678', '2026-12-01T08:59:00Z', false],
    ['Paris at 12:59', '+33142345678', '2026-12-01T11:59:00Z', true],
    ['Paris at lunch', '+33142345678', '2026-12-01T12:00:00Z', false],
    ['Paris at 14:00', '+33142345678', '2026-12-01T13:00:00Z', true],
    ['Paris at 20:00', '+33142345678', '2026-12-01T19:00:00Z', false],
    ['Paris on a Saturday', '+33142345678', '2026-12-05T10:00:00Z', false],
    ['Mumbai at 09:30', '+912212345678', '2026-12-01T04:00:00Z', false],
    ['Mumbai at 20:59', '+912212345678', '2026-12-01T15:29:00Z', true],
    ['Stockholm, of which no row speaks, at 08:59', '+46846500412', '2026-12-01T07:59:00Z', false],
    ['Stockholm at 09:00', '+46846500412', '2026-12-01T08:00:00Z', true],
    ['Stockholm at 20:00', '+46846500412', '2026-12-01T19:00:00Z', false],
    ['Manaus at 08:30, when it is half past nine in São Paulo', '+559236221234', '2026-12-01T12:30:00Z', false],
    ['Vladivostok at 09:00', '+74232221234', '2026-11-30T23:00:00Z', true],
    [
      'a Russian mobile at noon in Moscow, which is evening in Kamchatka',
      '+79161234567',
      '2026-12-01T09:00:00Z',
      false,
    ],
    ['a Russian mobile in the one hour that all have', '+79161234567', '2026-12-01T07:30:00Z', true],
    ['the Azores at 08:30, when it is half past nine in Lisbon', '+351292200000', '2026-12-01T09:30:00Z', false],
    ['the Canaries at 08:30, when it is half past nine in Madrid', '+34922123456', '2026-12-01T08:30:00Z', false],
  ])('[CA-19] %s', (_when, phone, at, expected) => {
    expect(mayCall(phone, at)).toBe(expected);
  });

  it.each([
    ['New York, the day before it springs forward', '+12125550123', '2026-03-07T12:59:00Z', '2026-03-07T13:00:00Z'],
    ['New York, that day', '+12125550123', '2026-03-08T11:59:00Z', '2026-03-08T12:00:00Z'],
    ['New York, the day before it falls back', '+12125550123', '2026-10-31T11:59:00Z', '2026-10-31T12:00:00Z'],
    ['New York, that day', '+12125550123', '2026-11-01T12:59:00Z', '2026-11-01T13:00:00Z'],
    ['Stockholm, the day before summer time', '+46846500412', '2026-03-28T07:59:00Z', '2026-03-28T08:00:00Z'],
    ['Stockholm, its first day', '+46846500412', '2026-03-29T06:59:00Z', '2026-03-29T07:00:00Z'],
    ['Stockholm, its last day but one', '+46846500412', '2026-10-24T06:59:00Z', '2026-10-24T07:00:00Z'],
    ['Stockholm, the day it ends', '+46846500412', '2026-10-25T07:59:00Z', '2026-10-25T08:00:00Z'],
    ['Phoenix, which knows none, in March', '+16025550123', '2026-03-08T14:59:00Z', '2026-03-08T15:00:00Z'],
    ['Phoenix in November', '+16025550123', '2026-11-01T14:59:00Z', '2026-11-01T15:00:00Z'],
  ])('[CA-19] follow the clock of %s', (_place, phone, shut, open) => {
    expect([mayCall(phone, shut), mayCall(phone, open)]).toEqual([false, true]);
  });

  it('[CA-19] have windows in order, each with its source and date', () => {
    for (const [country, row] of [['', defaultHours] as const, ...Object.entries(callingHours)]) {
      expect(row.source.length, country).toBeGreaterThan(5);
      expect(row.date, country).toMatch(/^\d{4}-\d{2}$/);
      for (const { days, from, to } of row.windows) {
        expect([from, to], country).toEqual([
          expect.stringMatching(/^\d{2}:\d{2}$/),
          expect.stringMatching(/^\d{2}:\d{2}$/),
        ]);
        expect(from < to && days[0] <= days[1], country).toBe(true);
      }
    }
  });

  it('[CA-19] are shut where no zone is known', () => {
    expect(isOpen({ regionIso: 'SE', timezones: [] }, Date.parse('2026-12-01T12:00:00Z'))).toBe(false);
  });
});
