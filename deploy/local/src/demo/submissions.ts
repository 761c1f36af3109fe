// What the demo hands in: people at real companies, some twice in another spelling, some unusable, and garbage.
// It is the journal too: what must come of it is known before the first byte is sent.
import { randomUUID } from 'node:crypto';
import { otherSpelling, person } from '@lead-flood/test/sandbox';
import type { Person } from '@lead-flood/test/sandbox';

export type Door = 'kafka' | 'rest' | 'csv';
export type Kind = 'new' | 'duplicate' | 'bad-email' | 'unknown-field' | 'no-identity' | 'garbage';

export interface Submission {
  readonly door: Door;
  readonly kind: Kind;
  readonly externalId: string;
  readonly person: Person;
}

const doors: readonly Door[] = ['kafka', 'rest', 'csv'];
const share = { duplicate: 0.08, refused: 0.02, garbage: 0.01 };

/** Seeds of one run; each run takes others, so that it finds nobody known. */
export function makeSubmissions(count: number, firstSeed: number): Submission[] {
  const counts = {
    duplicate: Math.round(count * share.duplicate),
    refused: Math.round(count * share.refused),
    garbage: Math.round(count * share.garbage),
  };
  const fresh = count - counts.duplicate - counts.refused - counts.garbage;
  const one = (kind: Kind, door: Door, who: Person): Submission => ({
    kind,
    door,
    externalId: randomUUID(),
    person: who,
  });
  const doorOf = (n: number): Door => doors[n % doors.length] ?? 'kafka';
  const originals = Array.from({ length: fresh }, (_, n) => one('new', doorOf(n), person(firstSeed + n)));
  const duplicates = Array.from({ length: counts.duplicate }, (_, n) => {
    const known = originals[(n * 7) % fresh] ?? originals[0];
    if (known === undefined) throw new Error('a demo needs leads');
    // Through another door than the first time.
    return one('duplicate', doorOf(doors.indexOf(known.door) + 1), otherSpelling(known.person));
  });
  const refusals = Array.from({ length: counts.refused }, (_, n) => refused(n, person(firstSeed + fresh + n), one));
  const garbage = Array.from({ length: counts.garbage }, (_, n) => one('garbage', 'kafka', person(firstSeed + n)));
  return mixed([...originals, ...duplicates, ...refusals, ...garbage]);
}

/** Bad addresses come by every door; unknown fields and missing keys are refused by REST and CSV at once. */
function refused(n: number, who: Person, one: (kind: Kind, door: Door, who: Person) => Submission): Submission {
  const kinds: readonly (readonly [Kind, Door])[] = [
    ['bad-email', 'kafka'],
    ['bad-email', 'rest'],
    ['bad-email', 'csv'],
    ['unknown-field', 'rest'],
    ['no-identity', 'kafka'],
    ['no-identity', 'rest'],
    ['no-identity', 'csv'],
  ];
  const [kind, door] = kinds[n % kinds.length] ?? ['bad-email', 'kafka'];
  const broken: Person =
    kind === 'bad-email' ? { ...who, email: `${who.email.split('@')[0]} at nowhere`, phone: null } : who;
  return one(kind, door, broken);
}

/** A fixed shuffle (Fisher-Yates over a small generator): the same run gives the same order. */
function mixed<T>(items: T[]): T[] {
  let state = 0x2545f491;
  const next = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % limit;
  };
  for (let i = items.length - 1; i > 0; i -= 1) {
    const j = next(i + 1);
    const a = items[i];
    const b = items[j];
    if (a !== undefined && b !== undefined) [items[i], items[j]] = [b, a];
  }
  return items;
}
