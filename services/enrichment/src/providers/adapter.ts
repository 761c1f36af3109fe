/**
 * What every enrichment provider is made to look like: one question, one finding. A finding is journalled as JSON, so
 * it holds plain values only. Which findings to use (threshold, region rule) is the domain's business, not decided here.
 */
import type { Company, Person } from '@lead-flood/contracts';
import type { ProviderName } from './table.ts';

export type Question = { readonly person: Person; readonly company: Company };

export type EmailStatus = 'verified' | 'risky' | 'invalid' | 'unknown';

export type Hit = {
  readonly status: 'hit';
  readonly email: string | null;
  readonly emailStatus: EmailStatus;
  /** 0 to 1: that the address exists and is this person's. */
  readonly emailConfidence: number;
  /** As the provider wrote it, mostly E.164. */
  readonly phone: string | null;
  readonly linkedinUrl: string | null;
  readonly title: string | null;
  readonly fullName: string | null;
  /** What the provider says of the employer; `null` for what it does not say. */
  readonly company: Company;
  /** 0 to 1: that the finding is about the person asked for. */
  readonly confidence: number;
  /** The address is a private mailbox and not the employer's: the region rule (EN-13) needs to know. */
  readonly personalEmail: boolean;
  /** Millionths of a US dollar. */
  readonly costMicros: number;
  readonly latencyMs: number;
};

export type Miss = { readonly status: 'miss'; readonly latencyMs: number; readonly costMicros: 0 };

/** The person has asked the provider not to be given out: final, and no statement about anybody's data. */
export type Restricted = { readonly status: 'restricted'; readonly latencyMs: number; readonly costMicros: 0 };

export type Finding = Hit | Miss | Restricted;

/** What an adapter reads out of an answer. */
export type Found = Omit<Hit, 'status' | 'costMicros' | 'latencyMs'> & {
  /** Of the provider's price; default 1. */
  readonly priceShare?: number;
};

/** Says nothing yet. */
export const blank: Found = {
  email: null,
  emailStatus: 'unknown',
  emailConfidence: 0,
  phone: null,
  linkedinUrl: null,
  title: null,
  fullName: null,
  company: { name: null, domain: null, countryIso: null, employees: null, industry: null },
  confidence: 0,
  personalEmail: false,
};

export type FindContext = { readonly signal: AbortSignal; readonly idempotencyKey: string };

export type EnrichmentAdapter = {
  readonly name: ProviderName;
  /** Whether the question has what this provider needs; asking without it would be paid for nothing. */
  readonly canAnswer: (question: Question) => boolean;
  /** Throws TransientError for what may pass, CodedError where a human should look: key, plan, or our own request. */
  readonly find: (question: Question, ctx: FindContext) => Promise<Finding>;
};

export const miss = (latencyMs: number): Miss => ({ status: 'miss', latencyMs, costMicros: 0 });

/** The header by which a provider that knows it answers a repeat from memory, unpaid. */
export const repeatHeader = ({ idempotencyKey }: FindContext): Record<string, string> => ({
  'idempotency-key': idempotencyKey,
});

export const present = (text: string | null | undefined): text is string =>
  text !== null && text !== undefined && text.trim() !== '';

/** Text that says something, or `null`. */
export const textOrNull = (text: unknown): string | null =>
  typeof text === 'string' && text.trim() !== '' ? text.trim() : null;

/** First and last name, or what can be split from the full one; `null` when there is only one word. */
export function splitName({ firstName, lastName, fullName }: Person): { first: string; last: string } | null {
  if (present(firstName) && present(lastName)) return { first: firstName, last: lastName };
  const words = (fullName ?? '').trim().split(/\s+/);
  const last = words.pop();
  return present(last) && words.length > 0 ? { first: words.join(' '), last } : null;
}
