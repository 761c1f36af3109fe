/** A rate limit and what it says of a request, as values. */

export type Limit = { readonly max: number; readonly seconds: number };

export type Verdict = {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  readonly resetAt: number;
};

/** Of several verdicts the one that a client must heed: a refusal, else the least that is left. */
export function strictest(verdicts: readonly Verdict[]): Verdict | null {
  return verdicts.reduce<Verdict | null>((strict, verdict) => {
    if (strict === null || (strict.allowed && !verdict.allowed)) return verdict;
    if (!strict.allowed && verdict.allowed) return strict;
    return verdict.remaining < strict.remaining ? verdict : strict;
  }, null);
}
