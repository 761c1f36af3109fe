// Apollo's People Enrichment. Shape from https://docs.apollo.io/reference/people-enrichment and
// https://docs.apollo.io/docs/enrich-people-data: parameters in the query or a JSON body, a miss is 200 with
// `person: null`, a wrong key is answered in plain text.
import type { Ask, ProviderRoute, Reply } from '../door.ts';
import { ask as askFor, find } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { fraction, hash } from '../seed.ts';
import { countryName, header, parameters } from './reading.ts';

const path = '/apollo/api/v1/people/match';

export const apolloMatch: ProviderRoute = {
  provider: 'apollo',
  operation: 'people/match',
  method: 'POST',
  path,
  key: (ask) => header(ask, 'x-api-key'),
  answer(ask, settings, seed) {
    const read = parameters(ask);
    const asked = askFor({
      email: read('email'),
      linkedinUrl: read('linkedin_url'),
      firstName: read('first_name'),
      lastName: read('last_name'),
      fullName: read('name'),
      domain: read('domain'),
      companyName: read('organization_name'),
    });
    if (asked === undefined) return invalid(ask);
    const { subject, identity } = asked;
    if (fraction(`${seed} apollo ${identity}`) >= settings.hitRate) {
      return { kind: 'accepted', subject, outcome: 'miss', status: 200, body: { person: null }, price: 0 };
    }
    const person = describe(find(asked), identity, fraction(`${seed} apollo status ${identity}`), {
      personal: read('reveal_personal_emails') === 'true',
    });
    return { kind: 'accepted', subject, outcome: 'hit', status: 200, body: { person }, price: settings.pricePerHit };
  },
  refuse(refusal) {
    if (refusal === 'wrong-key') return 'Invalid access credentials.';
    if (refusal === 'rate-limited') {
      return {
        message: `The maximum number of api calls allowed for ${path.slice(8)} is 50 times per minute. Please upgrade your plan.`,
      };
    }
    return { error: 'Something went wrong on our side. Please try again later.' };
  },
};

function invalid(ask: Ask): Reply {
  const error = ask.body === null ? 'Request body is not valid JSON' : 'Not enough information to match a person';
  return { kind: 'invalid', status: 422, body: { error, error_code: 'INSUFFICIENT_PARAMETERS' } };
}

/** 75 % verified; then addresses that were only guessed, and people whose address Apollo does not show. */
function emailStatus(position: number): string {
  if (position < 0.75) return 'verified';
  return position < 0.9 ? 'extrapolated' : 'unavailable';
}

function describe(found: Finding, identity: string, position: number, reveal: { personal: boolean }): object {
  const { company } = found;
  const status = emailStatus(position);
  const organizationId = objectId(`organization ${company.domain}`);
  return {
    id: objectId(identity),
    first_name: found.firstName,
    last_name: found.lastName,
    name: found.fullName,
    linkedin_url: found.linkedinUrl,
    title: found.title,
    headline: `${found.title} at ${company.name}`,
    email_status: status,
    email: status === 'unavailable' ? found.email.replace(/^[^@]*/, 'email_not_unlocked') : found.email,
    personal_emails: reveal.personal && found.personalEmail !== null ? [found.personalEmail] : [],
    photo_url: null,
    city: company.city,
    country: countryName(company.countryIso),
    organization_id: organizationId,
    // only of people saved as contacts, as everybody is here who has a number
    contact: found.phone === null ? null : { phone_numbers: [{ sanitized_number: found.phone, type: 'mobile' }] },
    organization: {
      id: organizationId,
      name: company.name,
      website_url: `http://www.${company.domain}`,
      primary_domain: company.domain,
      industry: company.industry,
      estimated_num_employees: company.employees,
      city: company.city,
      country: countryName(company.countryIso),
    },
  };
}

/** 24 hex digits, as Apollo's ids. */
function objectId(text: string): string {
  return [0, 1, 2].map((part) => hash(`${part} ${text}`).toString(16).padStart(8, '0')).join('');
}
