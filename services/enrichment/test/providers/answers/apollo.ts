/** https://docs.apollo.io/reference/people-enrichment: fields and types are documented, the values are invented. */
import type { DocumentedAnswers, Reply } from './documented.ts';

const person = {
  id: '64a7ff0cc4dfae00013df1a5',
  first_name: 'Zoe',
  last_name: 'Quixote',
  name: 'Zoe Quixote',
  linkedin_url: 'http://www.linkedin.com/in/zoe-quixote-invented',
  title: 'Head of Purchasing',
  email_status: 'verified',
  headline: 'Head of Purchasing at Aurora',
  photo_url: null,
  email: 'zoe@aurora.se.example',
  personal_emails: [],
  city: 'Lund',
  country: 'Sweden',
  organization_id: '5e66b6381e05b4008c8331b8',
  organization: {
    id: '5e66b6381e05b4008c8331b8',
    name: 'Aurora',
    website_url: 'http://www.aurora.se.example',
    primary_domain: 'aurora.se.example',
    industry: 'information technology & services',
    estimated_num_employees: 140,
    country: 'Sweden',
  },
  contact: { id: '66a1', phone_numbers: [{ sanitized_number: '+46846500412', type: 'mobile' }] },
};
const ok = (body: unknown): Reply => ({ status: 200, body });

export const apollo: DocumentedAnswers = {
  cases: [
    {
      kind: 'hit',
      title: 'a person with a verified address',
      reply: ok({ person }),
      means: {
        finding: {
          status: 'hit',
          email: 'zoe@aurora.se.example',
          emailStatus: 'verified',
          phone: '+46846500412',
          title: 'Head of Purchasing',
          company: { domain: 'aurora.se.example', countryIso: 'SE', employees: 140 },
          costMicros: 20_000,
        },
      },
    },
    {
      kind: 'miss',
      title: 'nobody',
      reply: ok({ person: null }),
      means: { finding: { status: 'miss', costMicros: 0 } },
    },
    {
      kind: 'miss',
      title: 'a question that it cannot look for',
      reply: { status: 422, body: { error: 'Invalid parameters' } },
      means: { finding: { status: 'miss' } },
    },
    {
      kind: 'hidden',
      title: 'a placeholder where the address is not shown',
      reply: ok({
        person: { ...person, email: 'email_not_unlocked@domain.example', email_status: 'unavailable', contact: null },
      }),
      means: { finding: { status: 'hit', email: null, emailStatus: 'unknown', emailConfidence: 0, phone: null } },
    },
    {
      kind: 'hidden',
      title: 'numbers of the person itself are in no specification',
      reply: ok({ person: { ...person, contact: null, phone_numbers: [{ sanitized_number: '+46846500413' }] } }),
      means: { finding: { status: 'hit', phone: null } },
    },
    {
      kind: 'key-refused',
      title: 'a wrong key, in plain text',
      reply: { status: 401, contentType: 'text/plain', body: 'Invalid access credentials.' },
      means: { error: 'PRV_ERR_ACCESS_REFUSED', reason: 'key-refused' },
    },
    {
      kind: 'not-allowed',
      title: 'a plan without this endpoint',
      reply: { status: 403, body: { error: 'not accessible with this api_key', error_code: 'API_INACCESSIBLE' } },
      means: { error: 'PRV_ERR_ACCESS_REFUSED', reason: 'not-allowed' },
    },
    {
      kind: 'rate-limited',
      title: 'the minute is used up',
      reply: {
        status: 429,
        headers: { 'retry-after': '40', 'x-minute-requests-left': '0' },
        body: { message: 'The maximum number of api calls' },
      },
      means: { error: 'PRV_ERR_RATE_LIMITED', retryAfterMs: [40_000, 40_000] },
    },
    {
      kind: 'rate-limited',
      title: 'the day is used up: hours to wait',
      reply: {
        status: 429,
        headers: { 'retry-after': '21600', 'x-24-hour-requests-left': '0' },
        body: { message: 'The maximum number of api calls' },
      },
      means: { error: 'PRV_ERR_RATE_LIMITED', retryAfterMs: [21_600_000, 21_600_000] },
    },
    {
      kind: 'rejected',
      title: 'a 400 that says nothing of the person',
      reply: { status: 400, body: {} },
      means: { error: 'PRV_ERR_REJECTED', reason: 'rejected' },
    },
    {
      kind: 'malformed',
      title: 'a person that is a list',
      reply: ok({ person: [person] }),
      means: { error: 'PRV_ERR_SHAPE' },
    },
    {
      kind: 'wrong-content-type',
      title: 'a page instead of an answer',
      reply: { status: 200, contentType: 'text/html', body: '<html>maintenance</html>' },
      means: { error: 'PRV_ERR_GARBAGE' },
    },
  ],
  lacks: { 'plan-used-up': 'no answer of this kind is documented; its windows by the day are 429' },
  emailStatus: {
    reply: (word) => ok({ person: { ...person, email_status: word } }),
    words: {
      verified: 'verified',
      'likely to engage': 'verified',
      extrapolated: 'risky',
      guessed: 'risky',
      unverified: 'risky',
      bounced: 'invalid',
      unavailable: 'unknown',
      'a word of tomorrow': 'unknown',
    },
  },
};
