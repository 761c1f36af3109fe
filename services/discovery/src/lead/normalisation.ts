/** From what a source wrote to what identity compares: addresses, E.164 numbers, LinkedIn slugs, registrable domains. */
import { domainToASCII } from 'node:url';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { CountryCode } from 'libphonenumber-js/max';
import { parse as parseHost } from 'tldts';
import { areNotesBounded, notesBound } from '@lead-flood/contracts';
import type { Company, LeadSubmitted, Person, RejectionReason } from '@lead-flood/contracts';
import { canonicalCountry } from '@lead-flood/contracts';
import { emailKey, normaliseEmail } from './domain/email.ts';
import type { IdentityKey, Submission } from './domain/submission.ts';

const SLUG = /^\/in\/([^/?#]+)/i;
const CONTROL = /\p{Control}/u;

/** `https://se.linkedin.com/in/Some-One/?trk=x` -> `some-one`; null when it is no profile address. */
export function linkedinSlug(text: string): string | null {
  try {
    const url = new URL(/^https?:\/\//i.test(text) ? text : `https://${text}`);
    const slug = SLUG.exec(url.pathname)?.[1];
    if (slug === undefined || !/(^|\.)linkedin\.com$/i.test(url.hostname)) return null;
    const name = decodeURIComponent(slug).normalize('NFC').toLowerCase();
    // `%00` is plain ASCII until it is decoded, and no profile's name.
    return CONTROL.test(name) ? null : name;
  } catch {
    // Neither an address nor decodable: not a profile.
    return null;
  }
}

/** E.164, read as a number of the given country when it has no country code; null when no such number can exist. */
export function normalisePhone(text: string, countryIso: string | null): string | null {
  const number = parsePhoneNumberFromString(text, countryIso === null ? undefined : (countryIso as CountryCode));
  return number?.isPossible() === true ? number.number : null;
}

/** Registrable domain of a host name, address or URL. */
export const normaliseDomain = (text: string): string | null =>
  parseHost(text.trim().toLowerCase(), { allowPrivateDomains: false }).domain;

const clean = (text: string | null): string | null => {
  const trimmed = text?.normalize('NFC').replace(/\s+/gu, ' ').trim() ?? '';
  return trimmed === '' ? null : trimmed;
};

function asciiEmail(text: string): string | null {
  const at = text.lastIndexOf('@');
  if (at < 1) return null;
  const host = domainToASCII(
    text
      .slice(at + 1)
      .trim()
      .replace(/>$/, ''),
  );
  return host === '' ? null : normaliseEmail(`${text.slice(0, at + 1)}${host}`);
}

const problem = (code: string, field: string, detail: string): RejectionReason => ({ code, field, detail });

export function normalise(data: LeadSubmitted): Submission {
  const problems: RejectionReason[] = [];
  const countryIso = clean(data.company.countryIso);
  const company: Company = {
    name: clean(data.company.name),
    domain: data.company.domain === null ? null : normaliseDomain(data.company.domain),
    countryIso: countryIso === null ? null : canonicalCountry(countryIso),
    employees: data.company.employees,
    industry: clean(data.company.industry),
  };
  const given = data.person;
  const emailText = clean(given.email);
  const email = emailText === null ? null : asciiEmail(emailText);
  if (emailText !== null && email === null)
    problems.push(problem('invalid_email', 'person.email', 'is not an e-mail address'));
  const phoneText = clean(given.phone);
  const phone = phoneText === null ? null : normalisePhone(phoneText, company.countryIso);
  const slug = given.linkedinUrl === null ? null : linkedinSlug(given.linkedinUrl.trim());
  const firstName = clean(given.firstName);
  const lastName = clean(given.lastName);
  const person: Person = {
    firstName,
    lastName,
    fullName: clean(given.fullName) ?? clean([firstName, lastName].filter((name) => name !== null).join(' ')),
    email,
    phone,
    linkedinUrl: slug === null ? null : `https://www.linkedin.com/in/${encodeURIComponent(slug)}`,
    title: clean(given.title),
  };
  const keys: IdentityKey[] = [
    ...(email === null ? [] : [{ kind: 'email' as const, value: emailKey(email) }]),
    ...(phone === null ? [] : [{ kind: 'phone' as const, value: phone }]),
    ...(slug === null ? [] : [{ kind: 'linkedin' as const, value: slug }]),
  ];
  if (!areNotesBounded(data.attributes))
    problems.push(problem('too_many_attributes', 'attributes', `are more than ${notesBound}`));
  if (keys.length === 0 && problems.length === 0)
    problems.push(
      problem('missing_identity', 'person', 'has no e-mail address, phone number or LinkedIn profile that can be read'),
    );
  return { person, company, keys, problems };
}
