/**
 * What one provider is, as data: where it lives, what it costs, how it is asked and how its answers read. Everything
 * else (key, windows, retries, breaker, what a refusal leads to) is the same for all and stands in open-adapter.ts.
 */
import type { Method } from '@lead-flood/provider';
import type { ZodType } from 'zod';
import type { Found, Question } from './adapter.ts';

/** The requests that a provider allows to one account; absent: it documents no such window. */
export type Windows = { readonly perSecond?: number; readonly perMinute?: number };

/** One request, without the key. */
export type Ask = {
  /** For telemetry: a closed word. */
  readonly operation: string;
  readonly method: Method;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly json?: unknown;
};

/**
 * What an answer comes down to when it is not a finding:
 *
 *   miss              the provider does not know this person, or cannot look for one like this; costs nothing
 *   restricted        the person asked the provider not to be given out; final
 *   not-ready         the provider still looks: ask again
 *   rate-limited      too fast: the lead comes back later
 *   failed            may pass
 *   key-refused, plan-used-up, not-allowed   a human should look; says nothing about the person
 *   rejected          the provider does not understand the request: our fault
 */
export const verdicts = [
  'miss',
  'restricted',
  'not-ready',
  'rate-limited',
  'failed',
  'key-refused',
  'plan-used-up',
  'not-allowed',
  'rejected',
] as const;
export type Verdict = (typeof verdicts)[number];

/** Any answer but a 2xx. */
export type Refusal = {
  readonly status: number;
  /** The body, where it is JSON; otherwise undefined. */
  readonly json: unknown;
  /** By its lower-case name. */
  readonly header: (name: string) => string | null;
};

export type AdapterDefinition<A = unknown> = {
  /** As events, metrics and the records know it; the sandbox plays it under the same name. */
  readonly name: string;
  /** Begins the names of its settings: `<env>_API_KEY` and so on. */
  readonly env: string;
  readonly baseUrl: string;
  /** Of a hit by list price, millionths of a US dollar; a setting overrides it. */
  readonly price: number;
  /** As documented for the smallest paid plan; settings override them. */
  readonly quota: Windows;
  readonly key: (apiKey: string) => { readonly headers?: Record<string, string>; readonly query?: Ask['query'] };
  /** `null` when the question lacks what this provider needs: asking all the same would be paid for nothing. */
  readonly ask: (question: Question) => Ask | null;
  readonly answer: ZodType<A>;
  readonly read: (answer: A, asked: Asked) => Found | Verdict;
  /** `null`: the status stands for itself (open-adapter.ts). */
  readonly refused: (refusal: Refusal) => Verdict | null;
  /** Where a rate limit says when it ends, if not in Retry-After. */
  readonly retryAfterMs?: (refusal: Refusal, now: number) => number | null;
};

export type Asked = { readonly question: Question; readonly ask: Ask; readonly status: number };

/** Keeps the name and the settings' prefix as literals, and hides the answer's type from the table. */
export function defineAdapter<const N extends string, const E extends string, A>(
  definition: AdapterDefinition<A> & { readonly name: N; readonly env: E },
): Adapter<N, E> {
  return {
    ...definition,
    use: (open) => open(definition),
  };
}

/** A definition in the table. `use` gives it back with the type of its answers. */
export type Adapter<N extends string = string, E extends string = string> = Pick<
  AdapterDefinition,
  'baseUrl' | 'price' | 'quota' | 'ask'
> & {
  readonly name: N;
  readonly env: E;
  readonly use: <R>(open: <A>(definition: AdapterDefinition<A>) => R) => R;
};
