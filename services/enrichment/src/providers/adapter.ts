/**
 * What every enrichment provider is made to look like: one question, one finding. A finding is journalled as JSON, so
 * it holds plain values only. Which findings to use (threshold, region rule) is the domain's business, not decided here.
 */
import { CodedError, TransientError } from '@lead-flood/kernel';
import type { Company, Person } from '@lead-flood/contracts';
import type { CallResult } from '@lead-flood/provider';

export type ProviderName = 'apollo' | 'hunter' | 'peopledatalabs' | 'fake';

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

export type Finding = Hit | Miss;

export type FindContext = { readonly signal: AbortSignal; readonly idempotencyKey: string };

export type EnrichmentAdapter = {
  readonly name: ProviderName;
  /** Whether the question has what this provider needs; asking without it would be paid for nothing. */
  readonly canAnswer: (question: Question) => boolean;
  /** Throws TransientError for what may pass, CodedError PRV_ERR_ACCESS_REFUSED when key, plan or balance is refused. */
  readonly find: (question: Question, ctx: FindContext) => Promise<Finding>;
};

export const miss = (latencyMs: number): Miss => ({ status: 'miss', latencyMs, costMicros: 0 });

/** The header by which a provider that knows it answers a repeat from memory, unpaid. */
export const repeatHeader = ({ idempotencyKey }: FindContext): Record<string, string> => ({
  'idempotency-key': idempotencyKey,
});

type Refused = Extract<CallResult<unknown>, { kind: 'refused' }>;

/**
 * What a refusal comes down to. 404 is a miss; so are 400 and 422, which providers answer to a person they cannot
 * search for (an odd address): the lead goes on with what it has. A refused key, plan or balance is no answer about
 * the person; nor is a redirect, since nothing here follows one.
 */
export function readRefusal(provider: ProviderName, { status, latencyMs }: Refused): Miss {
  if (status === 400 || status === 404 || status === 422) return miss(latencyMs);
  if (status === 401 || status === 402 || status === 403) {
    throw new CodedError('PRV_ERR_ACCESS_REFUSED', `${provider} answered ${status}`, { details: { provider, status } });
  }
  throw new TransientError('PRV_ERR_FAILED', `${provider} answered ${status}`, { details: { provider, status } });
}

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
