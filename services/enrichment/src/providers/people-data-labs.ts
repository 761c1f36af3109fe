/**
 * People Data Labs' Person Enrichment (https://docs.peopledatalabs.com/docs/reference-person-enrichment-api): 404 is a
 * miss, `likelihood` 1..10 its own confidence. Fields outside the booked plan come as `true` instead of the value. Its
 * rate limit has no Retry-After but the UTC time of the next window.
 */
import { z } from 'zod';
import { present, splitName, textOrNull } from './adapter.ts';
import type { Found, Question } from './adapter.ts';
import { countryIso } from './country.ts';
import { defineAdapter } from './define-adapter.ts';
import { isPersonalAddress } from './mailbox.ts';

const text = z.union([z.string(), z.boolean()]).nullish();

const dataSchema = z.object({
  full_name: text,
  linkedin_url: text,
  work_email: text,
  recommended_personal_email: text,
  mobile_phone: text,
  phone_numbers: z.union([z.array(z.string()), z.boolean()]).nullish(),
  job_title: text,
  job_company_name: text,
  job_company_website: text,
  job_company_employee_count: z.union([z.number(), z.boolean()]).nullish(),
  job_company_industry: text,
  job_company_location_country: text,
});

const failureShape = z.object({ error: z.object({ type: z.string() }) });

/** Below this it is often another person of the name; what it turns away is a miss, and free. */
const LIKELIHOOD_MIN = 6;

export const peopleDataLabs = defineAdapter({
  name: 'peopledatalabs',
  env: 'PEOPLEDATALABS',
  baseUrl: 'https://api.peopledatalabs.com',
  price: 280_000,
  quota: { perMinute: 1_000 },
  key: (apiKey) => ({ headers: { 'x-api-key': apiKey } }),
  ask(question) {
    const known = queryOf(question);
    if (known === null) return null;
    // a record without an address is not worth its price to a lead that has none
    const required = present(question.person.email) ? {} : { required: 'emails' };
    const query = { ...known, min_likelihood: LIKELIHOOD_MIN, ...required };
    return { operation: 'person-enrich', method: 'GET', path: '/v5/person/enrich', query };
  },
  answer: z.object({ likelihood: z.number(), data: dataSchema }),
  read: ({ likelihood, data }, { question }) => read(question, likelihood, data),
  refused({ status, json }) {
    const type = failureShape.safeParse(json).data?.error.type;
    if (status === 404 && type === 'not_found') return 'miss';
    // it cannot read an address, a number or a profile: that says nothing more about the person
    return status === 400 && type === 'invalid_request_error' ? 'miss' : null;
  },
  retryAfterMs: ({ header }, now) => untilUtc(header('x-ratelimit-reset'), now),
});

function queryOf({ person, company }: Question): Record<string, string> | null {
  const name = splitName(person);
  const employer = company.domain ?? company.name;
  const named =
    name !== null && present(employer) ? { first_name: name.first, last_name: name.last, company: employer } : null;
  if (!present(person.email) && !present(person.phone) && !present(person.linkedinUrl) && named === null) return null;
  return {
    ...(present(person.email) ? { email: person.email } : {}),
    ...(present(person.phone) ? { phone: person.phone } : {}),
    ...(present(person.linkedinUrl) ? { profile: person.linkedinUrl } : {}),
    ...named,
  };
}

function read(question: Question, likelihood: number, data: z.infer<typeof dataSchema>): Found {
  const domain = textOrNull(data.job_company_website)?.replace(/^(?:https?:\/\/)?(?:www\.)?/i, '') ?? null;
  const workEmail = textOrNull(data.work_email);
  const email = workEmail ?? textOrNull(data.recommended_personal_email);
  const confidence = Math.min(1, likelihood / 10);
  const employees = data.job_company_employee_count;
  const phones = Array.isArray(data.phone_numbers) ? data.phone_numbers : [];
  return {
    email,
    // PDL matches records and does not try mailboxes
    emailStatus: 'unknown',
    emailConfidence: email === null ? 0 : Math.round(confidence * 80) / 100,
    phone: textOrNull(data.mobile_phone) ?? textOrNull(phones[0]),
    linkedinUrl: withScheme(textOrNull(data.linkedin_url)),
    title: textOrNull(data.job_title),
    fullName: asAsked(textOrNull(data.full_name), question.person.fullName),
    company: {
      name: asAsked(textOrNull(data.job_company_name), question.company.name),
      domain,
      countryIso: countryIso(textOrNull(data.job_company_location_country)),
      employees: typeof employees === 'number' ? employees : null,
      industry: textOrNull(data.job_company_industry),
    },
    confidence,
    personalEmail: email !== null && (workEmail === null || isPersonalAddress(email, domain)),
  };
}

/** PDL's texts are lower case; where they say what was asked, the asker's spelling stays. */
const asAsked = (found: string | null, asked: string | null): string | null =>
  present(asked) && found?.toLowerCase() === asked.trim().toLowerCase() ? asked.trim() : found;

const withScheme = (url: string | null): string | null =>
  url === null || /^https?:/i.test(url) ? url : `https://www.${url.replace(/^www\./i, '')}`;

/** Milliseconds until a UTC time that may come without its zone; `null` for none, nonsense or the past. */
function untilUtc(text: string | null, now: number): number | null {
  const stamp = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)/.exec(text ?? '');
  const waitMs = stamp === null ? NaN : Date.parse(`${stamp[1]}T${stamp[2]}Z`) - now;
  return waitMs > 0 ? waitMs : null;
}
