/**
 * Hunter (https://hunter.io/api-documentation/v2): the Email Finder when there is no address, the Email Verifier, at
 * half the price, when there is one. Its rate limit is 403, its used-up plan 429 (the registry tells the provider).
 */
import { TransientError } from '@lead-flood/kernel';
import type { CallResult, Provider } from '@lead-flood/provider';
import { z } from 'zod';
import { miss, present, readRefusal, repeatHeader, splitName, textOrNull } from './adapter.ts';
import type { EmailStatus, EnrichmentAdapter, FindContext, Finding, Hit, Question } from './adapter.ts';
import { isPersonalAddress } from './mailbox.ts';

const text = z.string().nullish();
const score = z.number().nullish();

const finderSchema = z.object({
  data: z
    .object({
      first_name: text,
      last_name: text,
      email: text,
      score,
      position: text,
      linkedin_url: text,
      phone_number: text,
      company: text,
      domain: text,
      verification: z.object({ status: text }).nullish(),
    })
    .nullish(),
});

const verifierSchema = z.object({
  data: z.object({ status: text, score, email: text, webmail: z.boolean().nullish() }).nullish(),
});

const EMAIL_STATUS: Readonly<Record<string, EmailStatus>> = {
  valid: 'verified',
  accept_all: 'risky',
  webmail: 'risky',
  disposable: 'invalid',
  invalid: 'invalid',
};

/** Hunter's "still checking" (202) and "the mail server behaved oddly" (222) ask to come back; neither is billed. */
const NOT_READY: ReadonlySet<number> = new Set([202, 222]);
const NOT_READY_MS = 5_000;

export type HunterOptions = { readonly apiKey: string; readonly priceMicros: number };

export function createHunter(provider: Provider, options: HunterOptions): EnrichmentAdapter {
  return {
    name: 'hunter',
    canAnswer: (question) => present(question.person.email) || finderQuery(question) !== null,
    async find(question, ctx) {
      const { email } = question.person;
      if (present(email)) return verify(provider, options, question, email, ctx);
      const query = finderQuery(question);
      return query === null ? miss(0) : search(provider, options, query, ctx);
    },
  };
}

function finderQuery({ person, company }: Question): Record<string, string> | null {
  const name = splitName(person);
  if (name === null) return null;
  const names = { first_name: name.first, last_name: name.last };
  if (present(company.domain)) return { domain: company.domain, ...names };
  return present(company.name) ? { company: company.name, ...names } : null;
}

// The key goes in a header: in the query it would stand in every log on the way.
const headersOf = ({ apiKey }: HunterOptions, ctx: FindContext): Record<string, string> => ({
  'x-api-key': apiKey,
  ...repeatHeader(ctx),
});

async function search(
  provider: Provider,
  options: HunterOptions,
  query: Record<string, string>,
  ctx: FindContext,
): Promise<Finding> {
  const answer = await provider.call({
    operation: 'email-finder',
    method: 'GET',
    path: '/v2/email-finder',
    query,
    headers: headersOf(options, ctx),
    schema: finderSchema,
    signal: ctx.signal,
    price: ({ data }) => (present(data?.email) ? options.priceMicros : 0),
  });
  if (answer.kind === 'refused') return readRefusal('hunter', answer);
  refuseUnready(answer);
  const { data } = answer.data;
  const email = textOrNull(data?.email);
  if (!data || email === null) return miss(answer.latencyMs);
  const confidence = (data.score ?? 0) / 100;
  const domain = textOrNull(data.domain);
  return {
    ...blank,
    email,
    emailStatus: EMAIL_STATUS[data.verification?.status ?? ''] ?? 'unknown',
    emailConfidence: confidence,
    phone: textOrNull(data.phone_number),
    linkedinUrl: textOrNull(data.linkedin_url),
    title: textOrNull(data.position),
    fullName: textOrNull([data.first_name, data.last_name].filter(present).join(' ')),
    company: { ...blank.company, name: textOrNull(data.company), domain },
    confidence,
    personalEmail: isPersonalAddress(email, domain),
    costMicros: answer.costMicros,
    latencyMs: answer.latencyMs,
  };
}

async function verify(
  provider: Provider,
  options: HunterOptions,
  question: Question,
  email: string,
  ctx: FindContext,
): Promise<Finding> {
  const answer = await provider.call({
    operation: 'email-verifier',
    method: 'GET',
    path: '/v2/email-verifier',
    query: { email },
    headers: headersOf(options, ctx),
    schema: verifierSchema,
    signal: ctx.signal,
    price: ({ data }) => (present(data?.status) ? Math.round(options.priceMicros / 2) : 0),
  });
  if (answer.kind === 'refused') return readRefusal('hunter', answer);
  refuseUnready(answer);
  const { data } = answer.data;
  if (!data || !present(data.status)) return miss(answer.latencyMs);
  const confidence = (data.score ?? 0) / 100;
  return {
    ...blank,
    email,
    emailStatus: EMAIL_STATUS[data.status] ?? 'unknown',
    emailConfidence: confidence,
    confidence,
    personalEmail: data.webmail === true || isPersonalAddress(email, question.company.domain),
    costMicros: answer.costMicros,
    latencyMs: answer.latencyMs,
  };
}

/** A finding that says nothing yet. */
const blank: Hit = {
  status: 'hit',
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
  costMicros: 0,
  latencyMs: 0,
};

function refuseUnready({ status }: CallResult<unknown>): void {
  if (NOT_READY.has(status))
    throw new TransientError('PRV_ERR_NOT_READY', `hunter answered ${status}`, { retryAfterMs: NOT_READY_MS });
}
