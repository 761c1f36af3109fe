/** The kernel's few promises: derived ids, decisions, errors. */
import { describe, expect, it } from 'vitest';
import {
  apply,
  derivedId,
  invariant,
  InvariantError,
  isId,
  randomId,
  reject,
  skip,
  TransientError,
} from '../src/index.ts';

describe('ids', () => {
  it('derives the same id from the same parts, and a UUID', () => {
    expect(derivedId('lead', 1)).toBe(derivedId('lead', 1));
    expect(isId(derivedId('lead', 1))).toBe(true);
    expect(isId(randomId())).toBe(true);
  });

  it('keeps parts apart that would read alike when joined', () => {
    expect(derivedId('a', 'bc')).not.toBe(derivedId('ab', 'c'));
    expect(derivedId('a', 1)).not.toBe(derivedId('a', 11));
  });

  it('refuses spellings that we never write', () => {
    expect(isId(randomId().toUpperCase())).toBe(false);
    expect(isId('not-an-id')).toBe(false);
  });
});

describe('decisions', () => {
  it('are plain values', () => {
    expect(apply(1)).toEqual({ kind: 'apply', state: 1, emit: [], timers: [] });
    expect(skip('duplicate')).toEqual({ kind: 'skip', reason: 'duplicate' });
    expect(reject('SCR_ERR_UNKNOWN_RULE', 'no rule 7')).toMatchObject({ kind: 'reject', code: 'SCR_ERR_UNKNOWN_RULE' });
  });
});

describe('errors', () => {
  it('carry the code and the time after which another try makes sense', () => {
    const error = new TransientError('PRV_ERR_RATE_LIMITED', 'slow down', { retryAfterMs: 1_500 });
    expect(error).toMatchObject({ code: 'PRV_ERR_RATE_LIMITED', retryAfterMs: 1_500, name: 'TransientError' });
  });

  it('an invariant that does not hold throws', () => {
    expect(() => invariant(false, 'positions must not go back')).toThrow(InvariantError);
  });
});
