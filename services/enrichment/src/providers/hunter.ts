/**
 * Hunter (https://hunter.io/api-documentation/v2): the Email Finder when there is no address, the Email Verifier, at
 * half the price, when there is one. Its rate limit is 403, its used-up plan 429, and 451 is a person who objected.
 */
import { z } from 'zod';
import { blank, present, splitName, textOrNull } from './adapter.ts';
import type { EmailStatus, Found, Question } from './adapter.ts';
import { defineAdapter } from './define-adapter.ts';
import type { Asked, Refusal, Verdict } from './define-adapter.ts';
import { isPersonalAddress } from './mailbox.ts';

const text = z.string().nullish();

const dataSchema = z.object({
  email: text,
  score: z.number().nullish(),
  // of the finder
  first_name: text,
  last_name: text,
  position: text,
  linkedin_url: text,
  phone_number: text,
  company: text,
  domain: text,
  verification: z.object({ status: text }).nullish(),
  // of the verifier
  status: text,
  webmail: z.boolean().nullish(),
});
type Data = z.infer<typeof dataSchema>;

const errorsShape = z.object({ errors: z.tuple([z.object({ id: z.string() })], z.unknown()) });

const EMAIL_STATUS: Readonly<Record<string, EmailStatus>> = {
  valid: 'verified',
  accept_all: 'risky',
  webmail: 'risky',
  disposable: 'invalid',
  invalid: 'invalid',
};

/** Hunter's "still checking" (202) and "the mail server behaved oddly" (222) ask to come back; neither is billed. */
const NOT_READY: ReadonlySet<number> = new Set([202, 222]);

export const hunter = defineAdapter({
  name: 'hunter',
  env: 'HUNTER',
  baseUrl: 'https://api.hunter.io',
  price: 34_000,
  // the verifier's; the finder, counted apart, has 15 and 500
  quota: { perSecond: 10, perMinute: 300 },
  // in the query it would stand in every log on the way
  key: (apiKey) => ({ headers: { 'x-api-key': apiKey } }),
  ask(question) {
    const { email } = question.person;
    if (present(email))
      return { operation: 'email-verifier', method: 'GET', path: '/v2/email-verifier', query: { email } };
    const query = finderQuery(question);
    return query === null ? null : { operation: 'email-finder', method: 'GET', path: '/v2/email-finder', query };
  },
  // a 202 has no data yet
  answer: z.object({ data: dataSchema.nullish() }),
  read({ data }, asked) {
    if (NOT_READY.has(asked.status)) return 'not-ready';
    if (!data) return 'miss';
    return asked.ask.operation === 'email-finder' ? readFound(data) : readVerified(data, asked);
  },
  refused: readRefusal,
});

function finderQuery({ person, company }: Question): Record<string, string> | null {
  const name = splitName(person);
  if (name === null) return null;
  const names = { first_name: name.first, last_name: name.last };
  if (present(company.domain)) return { domain: company.domain, ...names };
  return present(company.name) ? { company: company.name, ...names } : null;
}

function readFound(data: Data): Found | Verdict {
  const email = textOrNull(data.email);
  if (email === null) return 'miss';
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
  };
}

function readVerified(data: Data, { question }: Asked): Found | Verdict {
  const { email } = question.person;
  if (!present(data.status)) return 'miss';
  const confidence = (data.score ?? 0) / 100;
  // what it cannot say, or needs no mailbox for, it does not bill
  const free = data.status === 'unknown' || data.status === 'webmail' || data.status === 'disposable';
  return {
    ...blank,
    email,
    emailStatus: EMAIL_STATUS[data.status] ?? 'unknown',
    emailConfidence: confidence,
    confidence,
    personalEmail: data.webmail === true || isPersonalAddress(email, question.company.domain),
    priceShare: free ? 0 : 0.5,
  };
}

/** By the first error's id, since transcriptions of its documentation exchange 403 and 429; without one by the documented status. */
function readRefusal({ status, json }: Refusal): Verdict | null {
  const id = errorsShape.safeParse(json).data?.errors[0].id ?? null;
  if (status === 403 || status === 429) {
    if (/usage|plan|quota|credit/.test(id ?? '')) return 'plan-used-up';
    if (/rate/.test(id ?? '')) return 'rate-limited';
    return status === 403 ? 'rate-limited' : 'plan-used-up';
  }
  // the name or the address is none that it can look for; nobody of that name
  return id !== null && (status === 404 || (status === 400 && /^(wrong_params|invalid_)/.test(id))) ? 'miss' : null;
}
