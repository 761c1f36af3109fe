/** Spellings of one mailbox or number that suppression takes for one, and those that it keeps apart. */
import { expect, it } from 'vitest';
import { addressKeysOf } from '../src/address-key.ts';

const keyOf = (email: string | null, phone: string | null = null) => addressKeysOf({ email, phone })[0]?.value;

it.each([
  ['ada@aurora.se.example', 'ADA@Aurora.SE.example'],
  ['ada@aurora.se.example', ' ada@aurora.se.example '],
  ['ada@aurora.se.example', 'ada+newsletter@aurora.se.example'],
  ['ada@aurora.se.example', '\uff41da@aurora.se.example'],
])('[OU-20] %s is the mailbox %j', (one, other) => {
  expect(keyOf(other)).toBe(keyOf(one));
});

it.each([
  ['+46846500412', '+46 8 465 00 412'],
  ['+46846500412', '0046 (8) 465-004-12'],
])('[OU-20] %s is the number %j', (one, other) => {
  expect(keyOf(null, other)).toBe(keyOf(null, one));
});

it('keeps others apart, and says nothing of what is none', () => {
  expect(keyOf('ada.l@aurora.se.example')).not.toBe(keyOf('adal@aurora.se.example'));
  expect(keyOf('+ada@aurora.se.example')).toBe('+ada@aurora.se.example');
  expect([addressKeysOf(null), addressKeysOf({ email: 'n/a', phone: '-' })]).toEqual([[], []]);
});
