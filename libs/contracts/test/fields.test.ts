/** Fields of many contracts: what they let through, and in which spelling. */
import { describe, expect, it } from 'vitest';
import { callerBody, createLeadBody, id, timestamp } from '@lead-flood/contracts';

describe('notes of others’ naming', () => {
  const fields = (count: number, text: string): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, text]));
  const isTaken = (customFields: Record<string, string>): boolean =>
    createLeadBody.safeParse({ email: 'a@aurora.se.example', customFields }).success;

  it('are bounded in number and in bytes, not in characters', () => {
    expect(isTaken(fields(100, 'short'))).toBe(true);
    expect(isTaken(fields(101, 'short'))).toBe(false);
    expect(isTaken(fields(30, 'x'.repeat(500)))).toBe(true);
    expect(isTaken(fields(30, '界'.repeat(500)))).toBe(false);
  });

  it('are bounded for callers too', () => {
    const caller = {
      email: 'c@aurora.se.example',
      name: 'C',
      timezone: 'Europe/Stockholm',
      languageCodes: ['en'],
      regionIsoCodes: ['SE'],
    };
    expect(callerBody.safeParse({ ...caller, metadata: fields(2, 'x') }).success).toBe(true);
    expect(callerBody.safeParse({ ...caller, metadata: fields(101, 'x') }).success).toBe(false);
  });
});

it('ids come out in lower case', () => {
  expect(id.parse('6E2F1C4A-3B5D-4E6F-8A7B-9C0D1E2F3A4B')).toBe('6e2f1c4a-3b5d-4e6f-8a7b-9c0d1e2f3a4b');
});

it.each([
  ['2026-01-01T12:00:00+16:00', '2025-12-31T20:00:00.000Z'],
  [`2026-01-01T00:00:00.${'1'.repeat(150)}Z`, '2026-01-01T00:00:00.111Z'],
  ['0000-01-01T00:00:00Z', null],
  ['9999-12-31T23:59:59-01:00', null],
])('the time %s comes out as %s', (text, moment) => {
  const result = timestamp.safeParse(text);
  expect(result.success ? result.data : null).toBe(moment);
});
