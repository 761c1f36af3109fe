/** https://hunter.io/api-documentation/v2: fields and types are documented, the values are invented. */
import type { DocumentedAnswers, Reply } from './documented.ts';

const data = {
  first_name: 'Zoe',
  last_name: 'Quixote',
  email: 'zoe@aurora.se.example',
  score: 97,
  domain: 'aurora.se.example',
  accept_all: false,
  position: 'Head of Purchasing',
  twitter: null,
  linkedin_url: null,
  phone_number: null,
  company: 'Aurora',
  sources: [],
  verification: { date: '2026-11-02', status: 'valid' },
};
const verified = { status: 'valid', score: 91, email: 'zoe@aurora.se.example', webmail: false, accept_all: false };
const ok = (body: unknown): Reply => ({ status: 200, body });
const failed = (status: number, id: string): Reply => ({
  status,
  body: { errors: [{ id, code: status, details: 'said so' }] },
});
/** The finder is asked where there is no address. */
const noAddress = { email: null };

export const hunter: DocumentedAnswers = {
  cases: [
    {
      kind: 'hit',
      title: 'an address for a name',
      person: noAddress,
      reply: ok({ data, meta: { params: {} } }),
      means: {
        finding: {
          status: 'hit',
          email: 'zoe@aurora.se.example',
          emailStatus: 'verified',
          confidence: 0.97,
          costMicros: 34_000,
        },
      },
    },
    {
      kind: 'hit',
      title: 'a verified address, at half the price',
      reply: ok({ data: verified }),
      means: { finding: { status: 'hit', emailStatus: 'verified', costMicros: 17_000 } },
    },
    {
      kind: 'hit',
      title: 'an address of which it knows nothing, unbilled',
      reply: ok({ data: { ...verified, status: 'unknown' } }),
      means: { finding: { status: 'hit', emailStatus: 'unknown', costMicros: 0 } },
    },
    {
      kind: 'miss',
      title: 'no address for the name',
      person: noAddress,
      reply: ok({ data: { ...data, email: null, score: null, verification: { date: null, status: null } } }),
      means: { finding: { status: 'miss', costMicros: 0 } },
    },
    {
      kind: 'miss',
      title: 'nobody',
      person: noAddress,
      reply: failed(404, 'not_found'),
      means: { finding: { status: 'miss' } },
    },
    {
      kind: 'miss',
      title: 'an address that is none',
      reply: failed(400, 'invalid_email'),
      means: { finding: { status: 'miss' } },
    },
    {
      kind: 'hidden',
      title: 'empty texts are no values',
      person: noAddress,
      reply: ok({ data: { ...data, phone_number: '', linkedin_url: ' ', position: '' } }),
      means: { finding: { status: 'hit', phone: null, linkedinUrl: null, title: null } },
    },
    {
      kind: 'restricted',
      title: 'a person who objected',
      reply: failed(451, 'claimed_email'),
      means: { finding: { status: 'restricted', costMicros: 0 } },
    },
    {
      kind: 'not-ready',
      title: 'it still looks',
      reply: { status: 202, body: {} },
      means: { error: 'PRV_ERR_NOT_READY' },
    },
    {
      kind: 'not-ready',
      title: 'an odd mail server',
      reply: { status: 222, body: { data: null } },
      means: { error: 'PRV_ERR_NOT_READY' },
    },
    {
      kind: 'key-refused',
      title: 'a wrong key',
      reply: failed(401, 'authentication_failed'),
      means: { error: 'PRV_ERR_ACCESS_REFUSED', reason: 'key-refused' },
    },
    {
      kind: 'plan-used-up',
      title: '429',
      reply: failed(429, 'too_many_requests'),
      means: { error: 'PRV_ERR_ACCESS_REFUSED', reason: 'plan-used-up' },
    },
    {
      kind: 'plan-used-up',
      title: '403, as other transcriptions have it: the id decides',
      reply: failed(403, 'usage_limit'),
      means: { error: 'PRV_ERR_ACCESS_REFUSED', reason: 'plan-used-up' },
    },
    { kind: 'rate-limited', title: '403', reply: failed(403, 'rate_limit'), means: { error: 'PRV_ERR_RATE_LIMITED' } },
    {
      kind: 'rate-limited',
      title: '429, as other transcriptions have it: the id decides',
      reply: failed(429, 'rate_limit'),
      means: { error: 'PRV_ERR_RATE_LIMITED' },
    },
    {
      kind: 'rejected',
      title: 'a 400 without its errors',
      reply: { status: 400, body: { message: 'bad request' } },
      means: { error: 'PRV_ERR_REJECTED', reason: 'rejected' },
    },
    { kind: 'malformed', title: 'data that is a text', reply: ok({ data: 'none' }), means: { error: 'PRV_ERR_SHAPE' } },
    {
      kind: 'wrong-content-type',
      title: 'a page instead of an answer',
      reply: { status: 200, contentType: 'text/html', body: '<html>maintenance</html>' },
      means: { error: 'PRV_ERR_GARBAGE' },
    },
  ],
  emailStatus: {
    reply: (word) => ok({ data: { ...verified, status: word } }),
    words: {
      valid: 'verified',
      accept_all: 'risky',
      webmail: 'risky',
      invalid: 'invalid',
      disposable: 'invalid',
      unknown: 'unknown',
      'a word of tomorrow': 'unknown',
    },
  },
};
