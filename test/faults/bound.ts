/** What n trials say about the chance of failure: the upper end of the one-sided 95 % interval (Clopper and Pearson). */
const MISSED = 0.05;

/** The chance of seeing at most `failures` in `trials` when each fails with chance p. */
function atMost(failures: number, trials: number, p: number): number {
  let term = (1 - p) ** trials;
  let sum = term;
  for (let k = 1; k <= failures; k += 1) {
    term *= ((trials - k + 1) / k) * (p / (1 - p));
    sum += term;
  }
  return sum;
}

export function upperBound(failures: number, trials: number): number {
  if (failures >= trials) return 1;
  let [low, high] = [0, 1];
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (atMost(failures, trials, middle) > MISSED) low = middle;
    else high = middle;
  }
  return high;
}

export const sayBound = (failures: number, trials: number): string =>
  `${failures} of ${trials} (< ${(upperBound(failures, trials) * 100).toFixed(1)} % at 95 %)`;
