/** What a provider's documented answers are written down as: the reply in its own shape, and what must be made of it. */
import type { Person } from '@lead-flood/contracts';
import type { EmailStatus } from '../../../src/providers/adapter.ts';
import type { Verdict } from '../../../src/providers/define-adapter.ts';

export type Reply = {
  readonly status: number;
  /** Default JSON. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text goes out as it stands. */
  readonly body: unknown;
};

type Meaning =
  | { readonly finding: object }
  /** `code` of the error, and the verdict that it carries. */
  | { readonly error: string; readonly reason?: Verdict; readonly retryAfterMs?: readonly [from: number, to: number] };

/** Every adapter shows each of these. */
export const kinds = [
  'hit',
  'miss',
  'key-refused',
  'plan-used-up',
  'rate-limited',
  'rejected',
  'hidden',
  'malformed',
  'wrong-content-type',
] as const;

export type Documented = {
  readonly kind: (typeof kinds)[number] | 'restricted' | 'not-ready' | 'not-allowed';
  readonly title: string;
  /** What is known of the person beside the usual. */
  readonly person?: Partial<Person>;
  readonly reply: Reply | ((now: number) => Reply);
  readonly means: Meaning;
};

export type DocumentedAnswers = {
  readonly cases: readonly Documented[];
  /** Kinds that this provider has no answer for, and why. */
  readonly lacks?: Readonly<Record<string, string>>;
  /** A hit whose address has this status, and what each of its words means. */
  readonly emailStatus: {
    readonly person?: Partial<Person>;
    readonly reply: (word: string) => Reply;
    readonly words: Readonly<Record<string, EmailStatus>>;
  };
};
