/** https://docs.peopledatalabs.com/docs/reference-person-enrichment-api: fields and types are documented, the values are invented. */
import type { DocumentedAnswers, Reply } from './documented.ts';

const data = {
  id: 'qEnOZ5Oh0poWnQ1luFBfVw_0000',
  full_name: 'zoe quixote',
  first_name: 'zoe',
  last_name: 'quixote',
  linkedin_url: 'linkedin.com/in/zoe-quixote-invented',
  work_email: 'zoe@aurora.se.example',
  recommended_personal_email: 'zoe@freemail.se.example',
  mobile_phone: '+46846500412',
  phone_numbers: ['+46846500412'],
  job_title: 'head of purchasing',
  job_company_name: 'aurora',
  job_company_website: 'aurora.se.example',
  job_company_employee_count: 140,
  job_company_industry: 'information technology and services',
  job_company_location_country: 'sweden',
};
const ok = (change: object = {}): Reply => ({
  status: 200,
  body: { status: 200, likelihood: 9, data: { ...data, ...change } },
});
const failed = (status: number, type: string): Reply => ({
  status,
  body: { status, error: { type, message: 'said so' } },
});
const limited = (headers: Reply['headers']): Reply => ({
  ...failed(429, 'rate_limit_error'),
  headers: { 'x-ratelimit-remaining': '{"minute":0}', ...headers },
});

export const peopledatalabs: DocumentedAnswers = {
  cases: [
    {
      kind: 'hit',
      title: 'a record',
      reply: ok(),
      means: {
        finding: {
          status: 'hit',
          email: 'zoe@aurora.se.example',
          emailStatus: 'unknown',
          linkedinUrl: 'https://www.linkedin.com/in/zoe-quixote-invented',
          confidence: 0.9,
          company: { domain: 'aurora.se.example', countryIso: 'SE', employees: 140 },
          personalEmail: false,
          costMicros: 280_000,
        },
      },
    },
    {
      kind: 'miss',
      title: 'no record',
      reply: failed(404, 'not_found'),
      means: { finding: { status: 'miss', costMicros: 0 } },
    },
    {
      kind: 'miss',
      title: 'an address or a number that it cannot read',
      reply: failed(400, 'invalid_request_error'),
      means: { finding: { status: 'miss' } },
    },
    {
      kind: 'hidden',
      title: '`true` where the plan hides the value',
      reply: ok({
        work_email: true,
        recommended_personal_email: true,
        mobile_phone: true,
        phone_numbers: true,
        job_company_employee_count: true,
      }),
      means: {
        finding: {
          status: 'hit',
          email: null,
          emailConfidence: 0,
          phone: null,
          personalEmail: false,
          company: { employees: null },
        },
      },
    },
    {
      kind: 'key-refused',
      title: 'a wrong key',
      reply: failed(401, 'authentication_error'),
      means: { error: 'PRV_ERR_ACCESS_REFUSED', reason: 'key-refused' },
    },
    {
      kind: 'plan-used-up',
      title: '402',
      reply: failed(402, 'payment_required'),
      means: { error: 'PRV_ERR_ACCESS_REFUSED', reason: 'plan-used-up' },
    },
    {
      kind: 'rate-limited',
      title: 'the UTC time of the next window, without Retry-After',
      reply: (now) => limited({ 'x-ratelimit-reset': new Date(now + 40_000).toISOString() }),
      means: { error: 'PRV_ERR_RATE_LIMITED', retryAfterMs: [30_000, 40_000] },
    },
    {
      kind: 'rate-limited',
      title: 'the same without a zone',
      reply: (now) =>
        limited({ 'x-ratelimit-reset': new Date(now + 40_000).toISOString().replace('T', ' ').slice(0, 19) }),
      means: { error: 'PRV_ERR_RATE_LIMITED', retryAfterMs: [30_000, 40_000] },
    },
    {
      kind: 'rate-limited',
      title: 'a time that is none',
      reply: limited({ 'x-ratelimit-reset': 'soon' }),
      means: { error: 'PRV_ERR_RATE_LIMITED' },
    },
    {
      kind: 'rejected',
      title: 'a 404 that is not about a record',
      reply: { status: 404, body: { message: 'no such route' } },
      means: { error: 'PRV_ERR_REJECTED', reason: 'rejected' },
    },
    {
      kind: 'malformed',
      title: 'a record without likelihood',
      reply: { status: 200, body: { status: 200, data } },
      means: { error: 'PRV_ERR_SHAPE' },
    },
    {
      kind: 'wrong-content-type',
      title: 'a page instead of an answer',
      reply: { status: 200, contentType: 'text/html', body: '<html>maintenance</html>' },
      means: { error: 'PRV_ERR_GARBAGE' },
    },
  ],
  emailStatus: { reply: () => ok(), words: { 'whatever it says': 'unknown' } },
};
