// The invented people: real companies, no reachable address or number, nobody twice.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isReservedPhone, otherSpelling, person, phoneWindow } from '../src/index.ts';

const reserved = /^(?:\+1[2-9]\d\d55501\d\d|\+442079460\d{3}|\+493023125\d{3}|\+3363998\d{4}|\+468465004\d\d)$/;

describe('20,000 people', () => {
  const people = Array.from({ length: 20_000 }, (_, seed) => person(seed));

  test('are the same for the same seed', () => {
    for (const seed of [0, 17, 4_711, 19_999]) expect(person(seed)).toEqual(people[seed]);
  });

  test('have addresses below .example only, each its own', () => {
    expect(people.filter(({ email }) => !/^[a-z._-]+\d+@[a-z0-9-]+\.[a-z]{2}\.example$/.test(email))).toEqual([]);
    expect(new Set(people.map(({ email }) => email)).size).toBe(people.length);
  });

  test('have profiles that say they are invented, each its own', () => {
    expect(
      people.every(({ linkedinUrl }) =>
        /^https:\/\/www\.linkedin\.com\/in\/[a-z-]*invented-[0-9a-z]+$/.test(linkedinUrl),
      ),
    ).toBe(true);
    expect(new Set(people.map(({ linkedinUrl }) => linkedinUrl)).size).toBe(people.length);
  });

  test('share no number, and have only reserved ones', () => {
    const phones = people.flatMap(({ phone }) => (phone === null ? [] : [phone]));
    expect(phones.length).toBeGreaterThan(people.length / 3);
    expect(phones.filter((phone) => !reserved.test(phone) || !isReservedPhone(phone))).toEqual([]);
    expect(new Set(phones).size).toBe(phones.length);
    for (const prefix of ['+1', '+44', '+49', '+33', '+46'])
      expect(phones.some((phone) => phone.startsWith(prefix))).toBe(true);
  });

  test('work at companies of the table, under their real domains', () => {
    const table = readFileSync(new URL('../data/companies.csv', import.meta.url), 'utf8');
    const domains = new Set(table.split('\r\n').flatMap((line) => line.match(/[a-z0-9-]+(?:\.[a-z0-9-]+)+/g) ?? []));
    expect(people.filter(({ company }) => !domains.has(company.domain))).toEqual([]);
    expect(new Set(people.map(({ company }) => company.domain)).size).toBeGreaterThan(4_000);
  });

  test('are no namesakes at one company: a finder asked by name cannot mix them up', () => {
    const names = people.map((one) => `${one.firstName} ${one.lastName} ${one.company.domain}`.normalize('NFC'));
    expect(new Set(names).size).toBe(people.length);
  });

  test('write themselves in many scripts, composed and decomposed', () => {
    for (const script of ['Han', 'Cyrillic', 'Hangul', 'Arabic', 'Greek', 'Hebrew']) {
      expect(
        people.some(({ fullName }) => new RegExp(`\\p{Script=${script}}`, 'u').test(fullName)),
        script,
      ).toBe(true);
    }
    expect(people.some(({ fullName }) => fullName !== fullName.normalize('NFC'))).toBe(true);
    expect(people.some(({ fullName }) => fullName !== fullName.normalize('NFD'))).toBe(true);
  });

  test('come with common names more often than with rare ones', () => {
    const count = (name: string): number =>
      people.filter(({ lastName, country }) => country === 'US' && lastName === name).length;
    expect(count('Smith')).toBeGreaterThan(5 * count('Washington'));
  });
});

test('numbers stay apart in any window, not only in the first one', () => {
  const phones = Array.from({ length: phoneWindow }, (_, i) => person(1_234_567 + i).phone).filter(
    (phone) => phone !== null,
  );
  expect(new Set(phones).size).toBe(phones.length);
});

test('a seed is a whole number from 0', () => {
  for (const seed of [-1, 0.5, Number.NaN]) expect(() => person(seed)).toThrow(RangeError);
});

test('another spelling differs in bytes but names the same person', () => {
  for (let seed = 0; seed < 500; seed += 1) {
    const original = person(seed);
    const other = otherSpelling(original, seed % 4);
    expect(other).not.toEqual(original);
    expect(other.email).not.toBe(original.email);
    expect(other.email.trim().toLowerCase().replace('+news', '')).toBe(original.email);
    expect(other.linkedinUrl).not.toBe(original.linkedinUrl);
    const slug = (url: string): string | undefined => /\/in\/([^/?]+)/.exec(url)?.[1];
    expect(slug(other.linkedinUrl)).toBe(slug(original.linkedinUrl));
    if (original.phone !== null) {
      expect(other.phone).not.toMatch(/^\+/);
      expect(original.phone.endsWith((other.phone ?? '').replace(/\D/g, '').slice(-7))).toBe(true);
    }
  }
});
