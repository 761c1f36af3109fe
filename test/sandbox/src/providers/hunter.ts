// Hunter's Email Finder and Email Verifier. Shape from https://hunter.io/api-documentation/v2: `data` and `meta`, or
// an array `errors` of { id, code, details }. Its rate limit is 403, its used-up plan 429, a person who objected 451 (the
// last two: mode down with that failStatus).
import type { Ask, ProviderRoute, Refusal, Reply } from '../door.ts';
import { ask as askFor, find } from '../finding.ts';
import type { Asked } from '../finding.ts';
import { fraction } from '../seed.ts';
import { bearer, header, parameters } from './reading.ts';

const key = (ask: Ask): string | undefined => ask.query.get('api_key') ?? header(ask, 'x-api-key') ?? bearer(ask);

function refuse(refusal: Refusal, status: number): unknown {
  if (refusal === 'wrong-key') return errors('authentication_failed', 401, 'No user found for the API key supplied');
  if (refusal === 'rate-limited' || status === 403) return errors('rate_limit', 403, 'You have reached the rate limit');
  if (status === 429) return errors('too_many_requests', 429, 'You have reached your usage limit');
  return status === 451
    ? errors('claimed_email', 451, 'The person behind this address asked us not to process it')
    : errors('server_error', status, 'Something went wrong on our side');
}

function errors(id: string, code: number, details: string): unknown {
  return { errors: [{ id, code, details }] };
}

function wrongParameters(details: string): Reply {
  return { kind: 'invalid', status: 400, body: errors('wrong_params', 400, details) };
}

export const hunterFinder: ProviderRoute = {
  provider: 'hunter',
  operation: 'email-finder',
  method: 'GET',
  path: '/hunter/v2/email-finder',
  rateLimitStatus: 403,
  key,
  refuse,
  answer(ask, settings, seed) {
    const read = parameters(ask);
    const [domain, company] = [read('domain'), read('company')];
    const [firstName, lastName, fullName] = [read('first_name'), read('last_name'), read('full_name')];
    const params = { first_name: firstName ?? null, last_name: lastName ?? null, full_name: fullName ?? null };
    if (domain === undefined && company === undefined) return wrongParameters('You are missing the domain parameter');
    if (fullName === undefined && firstName === undefined)
      return wrongParameters('You are missing the first_name parameter');
    if (fullName === undefined && lastName === undefined)
      return wrongParameters('You are missing the last_name parameter');
    const asked = askFor({ domain, companyName: company, firstName, lastName, fullName });
    if (asked === undefined) return wrongParameters('The name is not valid');
    const hit = fraction(`${seed} hunter ${asked.identity}`) < settings.hitRate;
    return {
      kind: 'accepted',
      subject: asked.subject,
      outcome: hit ? 'hit' : 'miss',
      status: 200,
      body: {
        data: hit
          ? found(asked, seed)
          : {
              ...params,
              email: null,
              score: null,
              domain: domain ?? null,
              accept_all: null,
              position: null,
              linkedin_url: null,
              phone_number: null,
              company: company ?? null,
              sources: [],
              verification: { date: null, status: null },
            },
        meta: { params: { ...params, domain: domain ?? null, company: company ?? null, max_duration: null } },
      },
      price: hit ? settings.pricePerHit : 0,
    };
  },
};

function found(asked: Asked, seed: number): object {
  const finding = find(asked);
  const status = verdict(finding.email, seed);
  return {
    first_name: finding.firstName,
    last_name: finding.lastName,
    email: finding.email,
    score: scoreOf(status, finding.email, seed),
    domain: finding.company.domain,
    accept_all: status === 'accept_all',
    position: finding.title,
    twitter: null,
    linkedin_url: finding.linkedinUrl,
    phone_number: finding.phone,
    company: finding.company.name,
    sources: [],
    // a fixed day, so that the same question has the same answer
    verification: { date: '2026-11-02', status: status === 'invalid' ? 'unknown' : status },
  };
}

type Verdict = 'valid' | 'accept_all' | 'unknown' | 'invalid';

/** The same in finder and verifier: 75 % valid, 10 % accept_all, 8 % unknown, 7 % invalid. */
function verdict(email: string, seed: number): Verdict {
  const position = fraction(`${seed} hunter mailbox ${email}`);
  if (position < 0.75) return 'valid';
  if (position < 0.85) return 'accept_all';
  return position < 0.93 ? 'unknown' : 'invalid';
}

function scoreOf(status: Verdict, email: string, seed: number): number {
  const base = { valid: 90, accept_all: 65, unknown: 40, invalid: 0 }[status];
  return base + Math.floor(fraction(`${seed} hunter score ${email}`) * 10);
}

export const hunterVerifier: ProviderRoute = {
  provider: 'hunter',
  operation: 'email-verifier',
  method: 'GET',
  path: '/hunter/v2/email-verifier',
  rateLimitStatus: 403,
  key,
  refuse,
  answer(ask, settings, seed) {
    const email = parameters(ask)('email')?.trim().toLowerCase();
    if (email === undefined) return wrongParameters('You are missing the email parameter');
    if (!/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email))
      return { kind: 'invalid', status: 400, body: errors('invalid_email', 400, 'The email address is not valid') };
    const status = verdict(email, seed);
    const reachable = status !== 'invalid';
    return {
      kind: 'accepted',
      subject: email,
      outcome: 'hit',
      status: 200,
      body: {
        data: {
          status,
          // Hunter keeps `result` for old callers and says so in the next key
          result: { valid: 'deliverable', accept_all: 'risky', unknown: 'risky', invalid: 'undeliverable' }[status],
          _deprecation_notice: 'Using result is deprecated, use status instead',
          score: scoreOf(status, email, seed),
          email,
          regexp: true,
          gibberish: false,
          disposable: false,
          webmail: false,
          mx_records: reachable,
          smtp_server: reachable,
          smtp_check: status === 'valid',
          accept_all: status === 'accept_all',
          block: false,
          sources: [],
        },
        meta: { params: { email } },
      },
      // Hunter counts a verification as half a search
      price: Math.round(settings.pricePerHit / 2),
    };
  },
};
