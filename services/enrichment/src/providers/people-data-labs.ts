/**
 * People Data Labs' Person Enrichment (https://docs.peopledatalabs.com/docs/reference-person-enrichment-api): 404 is a
 * miss, `likelihood` 1..10 its own confidence. Fields outside the booked plan come as `true` instead of the value.
 */
import type { Provider } from '@lead-flood/provider';
import { z } from 'zod';
import { miss, present, readRefusal, repeatHeader, splitName, textOrNull } from './adapter.ts';
import type { EnrichmentAdapter, Finding, Question } from './adapter.ts';
import { countryIso } from './country.ts';
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

const answerSchema = z.object({ likelihood: z.number(), data: dataSchema });

export function createPeopleDataLabs(
  provider: Provider,
  { apiKey, priceMicros }: { apiKey: string; priceMicros: number },
): EnrichmentAdapter {
  return {
    name: 'peopledatalabs',
    canAnswer: (question) => queryOf(question) !== null,
    async find(question, ctx) {
      const query = queryOf(question);
      if (query === null) return miss(0);
      const answer = await provider.call({
        operation: 'person-enrich',
        method: 'GET',
        path: '/v5/person/enrich',
        query,
        headers: { 'x-api-key': apiKey, ...repeatHeader(ctx) },
        schema: answerSchema,
        signal: ctx.signal,
        price: () => priceMicros,
      });
      return answer.kind === 'refused'
        ? readRefusal('peopledatalabs', answer)
        : toFinding(question, answer.data, answer);
    },
  };
}

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

function toFinding(
  question: Question,
  answer: z.infer<typeof answerSchema>,
  paid: { latencyMs: number; costMicros: number },
): Finding {
  const { data } = answer;
  const domain = textOrNull(data.job_company_website)?.replace(/^(?:https?:\/\/)?(?:www\.)?/i, '') ?? null;
  const workEmail = textOrNull(data.work_email);
  const email = workEmail ?? textOrNull(data.recommended_personal_email);
  const confidence = Math.min(1, answer.likelihood / 10);
  const employees = data.job_company_employee_count;
  const phones = Array.isArray(data.phone_numbers) ? data.phone_numbers : [];
  return {
    status: 'hit',
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
    costMicros: paid.costMicros,
    latencyMs: paid.latencyMs,
  };
}

/** PDL's texts are lower case; where they say what was asked, the asker's spelling stays. */
const asAsked = (found: string | null, asked: string | null): string | null =>
  present(asked) && found?.toLowerCase() === asked.trim().toLowerCase() ? asked.trim() : found;

const withScheme = (url: string | null): string | null =>
  url === null || /^https?:/i.test(url) ? url : `https://www.${url.replace(/^www\./i, '')}`;
