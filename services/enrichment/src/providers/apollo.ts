/** Apollo's People Enrichment (https://docs.apollo.io/reference/people-enrichment): a miss is 200 with `person: null`. */
import { z } from 'zod';
import { present, splitName, textOrNull } from './adapter.ts';
import type { EmailStatus, Found, Question } from './adapter.ts';
import { countryIso } from './country.ts';
import { defineAdapter } from './define-adapter.ts';
import { isPersonalAddress } from './mailbox.ts';

const text = z.string().nullish();

const personSchema = z.object({
  name: text,
  title: text,
  email: text,
  email_status: text,
  linkedin_url: text,
  // of people saved as contacts; the person itself carries no numbers
  contact: z.object({ phone_numbers: z.array(z.object({ sanitized_number: text })).nullish() }).nullish(),
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

const errorShape = z.object({ error: z.string() });

/** Stands where Apollo has an address and does not show it. */
const PLACEHOLDER = /^email_not_unlocked@/i;

/** `extrapolated` and `guessed` are patterns applied to a name; `unavailable` comes without an address. */
const EMAIL_STATUS: Readonly<Record<string, { status: EmailStatus; confidence: number }>> = {
  verified: { status: 'verified', confidence: 0.95 },
  'likely to engage': { status: 'verified', confidence: 0.95 },
  extrapolated: { status: 'risky', confidence: 0.6 },
  guessed: { status: 'risky', confidence: 0.5 },
  unverified: { status: 'risky', confidence: 0.5 },
  bounced: { status: 'invalid', confidence: 0 },
};

export const apollo = defineAdapter({
  name: 'apollo',
  env: 'APOLLO',
  baseUrl: 'https://api.apollo.io',
  price: 20_000,
  quota: { perMinute: 1_000 },
  key: (apiKey) => ({ headers: { 'x-api-key': apiKey } }),
  ask(question) {
    const json = parametersOf(question);
    return json === null ? null : { operation: 'people-match', method: 'POST', path: '/api/v1/people/match', json };
  },
  answer: z.object({ person: personSchema.nullish() }),
  read: ({ person }, { question }) => (person ? read(question, person) : 'miss'),
  // 422 is its word for a person that it cannot look for; it says no more than a sentence.
  refused: ({ status, json }) => (status === 422 && errorShape.safeParse(json).success ? 'miss' : null),
});

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

function read(question: Question, person: z.infer<typeof personSchema>): Found {
  const address = textOrNull(person.email);
  const email = address === null || PLACEHOLDER.test(address) ? null : address;
  const mailbox = (email === null ? undefined : EMAIL_STATUS[person.email_status?.toLowerCase() ?? '']) ?? {
    status: 'unknown',
    confidence: email === null ? 0 : 0.3,
  };
  const organization = person.organization;
  const domain = textOrNull(organization?.primary_domain);
  return {
    email,
    emailStatus: mailbox.status,
    emailConfidence: mailbox.confidence,
    phone: textOrNull(person.contact?.phone_numbers?.[0]?.sanitized_number),
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
  };
}

/** Apollo gives none: an address or a profile names one person, a name at a company nearly always; without an address little is won. */
function confidenceOf({ person }: Question, email: string | null): number {
  if (present(person.email) || present(person.linkedinUrl)) return 0.9;
  return email === null ? 0.6 : 0.75;
}
