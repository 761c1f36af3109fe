/** Time as a value that is passed in: the shell reads it once per batch, tests set it. */

export type Clock = { readonly now: () => number };

export const systemClock: Clock = { now: () => Date.now() };

/** A clock that stands until it is told to move. */
export function fixedClock(start: number): Clock & { advance: (ms: number) => void } {
  let at = start;
  return {
    now: () => at,
    advance: (ms) => {
      at += ms;
    },
  };
}
