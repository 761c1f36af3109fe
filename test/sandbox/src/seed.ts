// Turns texts and numbers into repeatable numbers: every draw of the sandbox comes from here, so that one seed
// always gives the same people, hits, prices and replies. Not for secrets.

/** Spreads the bits of a 32-bit number (the finaliser of MurmurHash3); returns 0 .. 2^32 - 1. */
export function mix(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** FNV-1a over UTF-16 units, then mixed; returns 0 .. 2^32 - 1. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mix(h);
}

/** A number in [0, 1) that depends on nothing but the text. */
export function fraction(text: string): number {
  return hash(text) / 2 ** 32;
}

/** Mulberry32: a small generator of numbers in [0, 1); the same seed gives the same row of numbers. */
export function createRandom(seed: number): () => number {
  let state = mix(seed ^ 0x9e3779b9);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One element of a list that is known not to be empty. */
export function pick<T>(list: readonly T[], position: number): T {
  const element = list[Math.floor(position * list.length)];
  if (element === undefined) throw new Error(`nothing to pick at ${position} of ${list.length}`);
  return element;
}
