/** Apollo's People Enrichment (https://docs.apollo.io/reference/people-enrichment): a miss is 200 with `person: null`. */
import type { Provider } from '@lead-flood/provider';
import { z } from 'zod';
import { miss, present, readRefusal, repeatHeader, splitName, textOrNull } from './adapter.ts';
import type { EmailStatus, EnrichmentAdapter, Finding, Question } from './adapter.ts';
import { countryIso } from './country.ts';
import { isPersonalAddress } from './mailbox.ts';

const text = z.string().nullish();

const personSchema = z.object({
  name: text,
  title: text,
  email: text,
  email_status: text,
  linkedin_url: text,
  phone_numbers: z.array(z.object({ sanitized_number: text, raw_number: text })).nullish(),
  organization: z
    .object({
      name: text,
      primary_domain: text,
      industry: text,
      estimated_num_employees: z.number().nullish(),
      country: text,
    })
    .nullish(),
});

const answerSchema = z.object({ person: personSchema.nullish() });

/** `extrapolated` and `guessed` are patterns applied to a name; `unavailable` comes without an address. */
const EMAIL_STATUS: Readonly<Record<string, { status: EmailStatus; confidence: number }>> = {
  verified: { status: 'verified', confidence: 0.95 },
  likely: { status: 'risky', confidence: 0.7 },
  'likely to engage': { status: 'verified', confidence: 0.95 },
  extrapolated: { status: 'risky', confidence: 0.6 },
  guessed: { status: 'risky', confidence: 0.5 },
  bounced: { status: 'invalid', confidence: 0 },
};

export function createApollo(
  provider: Provider,
  { apiKey, priceMicros }: { apiKey: string; priceMicros: number },
): EnrichmentAdapter {
  return {
    name: 'apollo',
    canAnswer: (question) => parametersOf(question) !== null,
    async find(question, ctx) {
      const json = parametersOf(question);
      if (json === null) return miss(0);
      const answer = await provider.call({
        operation: 'people-match',
        method: 'POST',
        path: '/api/v1/people/match',
        headers: { 'x-api-key': apiKey, ...repeatHeader(ctx) },
        json,
        schema: answerSchema,
        signal: ctx.signal,
        price: ({ person }) => (person ? priceMicros : 0),
      });
      if (answer.kind === 'refused') return readRefusal('apollo', answer);
      const { person } = answer.data;
      return person ? toFinding(question, person, answer) : miss(answer.latencyMs);
    },
  };
}

type Parameters = Readonly<Record<string, string | boolean>>;

function parametersOf({ person, company }: Question): Parameters | null {
  const name = splitName(person);
  const employer = present(company.domain)
    ? { domain: company.domain }
    : present(company.name)
      ? { organization_name: company.name }
      : null;
  // a name alone finds namesakes
  const named =
    name !== null && employer !== null ? { first_name: name.first, last_name: name.last, ...employer } : null;
  if (!present(person.email) && !present(person.linkedinUrl) && named === null) return null;
  return {
    ...(present(person.email) ? { email: person.email } : {}),
    ...(present(person.linkedinUrl) ? { linkedin_url: person.linkedinUrl } : {}),
    ...named,
    reveal_personal_emails: false,
  };
}

function toFinding(
  question: Question,
  person: z.infer<typeof personSchema>,
  paid: { latencyMs: number; costMicros: number },
): Finding {
  const email = textOrNull(person.email);
  const mailbox = (email === null ? undefined : EMAIL_STATUS[person.email_status?.toLowerCase() ?? '']) ?? {
    status: 'unknown',
    confidence: email === null ? 0 : 0.3,
  };
  const phone = person.phone_numbers?.[0];
  const organization = person.organization;
  const domain = textOrNull(organization?.primary_domain);
  return {
    status: 'hit',
    email,
    emailStatus: mailbox.status,
    emailConfidence: mailbox.confidence,
    phone: textOrNull(phone?.sanitized_number) ?? textOrNull(phone?.raw_number),
    linkedinUrl: textOrNull(person.linkedin_url),
    title: textOrNull(person.title),
    fullName: textOrNull(person.name),
    company: {
      name: textOrNull(organization?.name),
      domain,
      countryIso: countryIso(organization?.country),
      employees: organization?.estimated_num_employees ?? null,
      industry: textOrNull(organization?.industry),
    },
    confidence: confidenceOf(question, email),
    personalEmail: isPersonalAddress(email, domain),
    costMicros: paid.costMicros,
    latencyMs: paid.latencyMs,
  };
}

/** Apollo gives none: an address or a profile names one person, a name at a company nearly always; without an address little is won. */
function confidenceOf({ person }: Question, email: string | null): number {
  if (present(person.email) || present(person.linkedinUrl)) return 0.9;
  return email === null ? 0.6 : 0.75;
}
