// People Data Labs' Person Enrichment. Shape from https://docs.peopledatalabs.com/docs/reference-person-enrichment-api,
// /docs/output-response-person-enrichment-api and /docs/errors: 200 with likelihood and data, 404 for a miss, errors as
// { status, error: { type, message } }. Texts are lower case, as in its records.
import type { ProviderRoute, Reply } from '../door.ts';
import { ask as askFor, find } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { fraction, hash } from '../seed.ts';
import { countryName, header, parameters } from './reading.ts';

export const peopleDataLabsEnrich: ProviderRoute = {
  provider: 'pdl',
  operation: 'person/enrich',
  method: 'GET',
  path: '/pdl/v5/person/enrich',
  key: (ask) => header(ask, 'x-api-key') ?? ask.query.get('api_key') ?? undefined,
  answer(ask, settings, seed) {
    const read = parameters(ask);
    const company = read('company');
    const isDomain = company !== undefined && /^[^\s]+\.[a-z0-9-]{2,}$/i.test(company);
    const asked = askFor({
      email: read('email'),
      phone: read('phone'),
      linkedinUrl: read('profile'),
      firstName: read('first_name'),
      lastName: read('last_name'),
      fullName: read('name'),
      domain: isDomain ? company : undefined,
      companyName: isDomain ? undefined : company,
    });
    const least = Number(read('min_likelihood') ?? 2);
    if (asked === undefined || !(least >= 1 && least <= 10)) {
      return invalid(
        asked === undefined ? 'Request is missing required parameters' : 'min_likelihood must be between 1 and 10',
      );
    }
    const { subject, identity } = asked;
    const likelihood = likelihoodOf(
      asked.question.email ?? asked.question.linkedinUrl,
      fraction(`${seed} pdl likelihood ${identity}`),
    );
    if (fraction(`${seed} pdl ${identity}`) >= settings.hitRate || likelihood < least) {
      const body = failure(404, 'not_found', 'No records were found matching your request');
      return { kind: 'accepted', subject, outcome: 'miss', status: 404, body, price: 0 };
    }
    const body = { status: 200, likelihood, data: describe(find(asked), identity) };
    return { kind: 'accepted', subject, outcome: 'hit', status: 200, body, price: settings.pricePerHit };
  },
  refuse(refusal, status) {
    if (refusal === 'wrong-key')
      return failure(401, 'authentication_error', 'Request contained a missing or invalid key');
    if (refusal === 'rate-limited')
      return failure(429, 'rate_limit_error', 'An error occurred due to requests hitting the API too quick');
    return status === 402
      ? failure(402, 'payment_required', 'You have hit your account maximum for person enrichment')
      : failure(status, 'api_error', 'The server encountered an unexpected condition');
  },
};

function failure(status: number, type: string, message: string): unknown {
  return { status, error: { type, message } };
}

function invalid(message: string): Reply {
  return { kind: 'invalid', status: 400, body: failure(400, 'invalid_request_error', message) };
}

/** An address or a profile finds surely (6..10), a name only perhaps (2..9). */
function likelihoodOf(strong: string | undefined, position: number): number {
  return strong === undefined ? 2 + Math.floor(position * 8) : 6 + Math.floor(position * 5);
}

function describe(found: Finding, identity: string): object {
  const { company } = found;
  const country = countryName(company.countryIso).toLowerCase();
  const handle =
    found.linkedinUrl?.replace(/^https?:\/\/(?:[a-z]+\.)?linkedin\.com\/in\//i, '').replace(/[/?].*$/, '') ?? null;
  const emails = [{ address: found.email, type: 'current_professional' }];
  return {
    id: `${hash(identity).toString(36)}${hash(`pdl ${identity}`).toString(36)}_0000`,
    full_name: found.fullName.toLowerCase(),
    first_name: found.firstName.toLowerCase(),
    last_name: found.lastName.toLowerCase(),
    linkedin_url: handle === null ? null : `linkedin.com/in/${handle}`,
    linkedin_username: handle,
    work_email: found.email,
    personal_emails: found.personalEmail === null ? [] : [found.personalEmail],
    recommended_personal_email: found.personalEmail,
    emails: found.personalEmail === null ? emails : [...emails, { address: found.personalEmail, type: 'personal' }],
    mobile_phone: found.phone,
    phone_numbers: found.phone === null ? [] : [found.phone],
    job_title: found.title.toLowerCase(),
    job_company_name: company.name.toLowerCase(),
    job_company_website: company.domain,
    job_company_size: sizeBand(company.employees),
    job_company_employee_count: company.employees,
    job_company_industry: company.industry?.toLowerCase() ?? null,
    job_company_location_country: country,
    location_locality: company.city?.toLowerCase() ?? null,
    location_country: country,
  };
}

function sizeBand(employees: number): string {
  const bounds = [10, 50, 200, 500, 1_000, 5_000, 10_000];
  const at = bounds.findIndex((bound) => employees <= bound);
  return at < 0 ? '10001+' : `${at === 0 ? 1 : (bounds[at - 1] ?? 0) + 1}-${bounds[at] ?? ''}`;
}
