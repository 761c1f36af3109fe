// What every enrichment provider knows about the person asked for: one truth for all of them, so that two providers
// never contradict each other. An invented person is recognised; a stranger gets facts drawn from the question.
import { companies, findCompanyIndex, mailDomainOf } from './companies.ts';
import type { Company } from './companies.ts';
import { firstSeedOfCompany, person, personOfPhone } from './people.ts';
import type { Person } from './people.ts';
import { isReservedPhone } from './phones.ts';
import { fraction, hash, pick } from './seed.ts';

export interface Question {
  readonly email?: string | undefined;
  readonly phone?: string | undefined;
  readonly linkedinUrl?: string | undefined;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
  readonly fullName?: string | undefined;
  readonly domain?: string | undefined;
  readonly companyName?: string | undefined;
}

export interface Finding {
  readonly firstName: string;
  readonly lastName: string;
  readonly fullName: string;
  /** the one asked with, or built from the name; always below `.example` */
  readonly email: string;
  readonly personalEmail: string | null;
  readonly phone: string | null;
  readonly linkedinUrl: string | null;
  readonly title: string;
  readonly company: Omit<Company, 'mailDomain' | 'employees'> & { readonly employees: number };
}

export interface Asked {
  /** as it stands in the accept log */
  readonly subject: string;
  /** the same for every spelling of one question; seeds the draws */
  readonly identity: string;
  readonly question: Question;
  readonly known: Person | undefined;
}

/** Rounds through all companies in which a person is looked for by name or number: some 37,000 seeds. */
const roundsMax = 8;

/** Undefined when the question names nobody. */
export function ask(question: Question): Asked | undefined {
  const subject = subjectOf(question);
  if (subject === undefined) return undefined;
  const known = recognise(question);
  return { subject, identity: known === undefined ? subject : `person ${known.seed}`, question, known };
}

function subjectOf({
  email,
  linkedinUrl,
  phone,
  firstName,
  lastName,
  fullName,
  domain,
  companyName,
}: Question): string | undefined {
  if (email !== undefined) return email.trim().toLowerCase();
  if (linkedinUrl !== undefined) return linkedinUrl.trim().toLowerCase();
  if (phone !== undefined) return phone.replace(/[^\d+]/g, '');
  const name = fullName ?? (firstName === undefined || lastName === undefined ? undefined : `${firstName} ${lastName}`);
  const place = domain ?? companyName;
  return name === undefined || place === undefined ? undefined : `${fold(name)} @ ${place.trim().toLowerCase()}`;
}

function recognise(question: Question): Person | undefined {
  const email = question.email
    ?.trim()
    .toLowerCase()
    .replace(/\+[^@]*@/, '@');
  const mailSeed = email === undefined ? undefined : /(\d{1,9})@[^@]+\.example$/.exec(email)?.[1];
  if (mailSeed !== undefined) {
    const candidate = person(Number(mailSeed));
    if (candidate.email === email) return candidate;
  }
  const slugSeed = /invented-([0-9a-z]{1,6})\/?(?:\?.*)?$/i.exec(question.linkedinUrl?.trim() ?? '')?.[1];
  if (slugSeed !== undefined) {
    const candidate = person(parseInt(slugSeed.toLowerCase(), 36));
    const slug = (url: string): string => url.slice(url.lastIndexOf('/in/') + 4).replace(/[/?].*$/, '');
    if (slug(candidate.linkedinUrl) === slug((question.linkedinUrl ?? '').trim().toLowerCase())) return candidate;
  }
  return recogniseByName(question) ?? personOfPhone(question.phone?.replace(/[^\d+]/g, '') ?? '', roundsMax);
}

function recogniseByName({ firstName, lastName, fullName, domain, companyName }: Question): Person | undefined {
  const index = findCompanyIndex(domain, companyName);
  if (index === undefined) return undefined;
  const full = fold(fullName ?? '');
  const [first, last] = [fold(firstName ?? ''), fold(lastName ?? '')];
  for (let round = 0; round < roundsMax; round += 1) {
    const candidate = person(firstSeedOfCompany(index) + round * companies.length);
    const sameParts = first !== '' && first === fold(candidate.firstName) && last === fold(candidate.lastName);
    if (sameParts || (full !== '' && full === fold(candidate.fullName))) return candidate;
  }
  return undefined;
}

/** The facts, independent of the provider. */
export function find({ question, identity, known }: Asked): Finding {
  const index = known === undefined ? indexOf(question) : findCompanyIndex(known.company.domain, undefined);
  const company = (index === undefined ? undefined : companies[index]) ?? invent(question);
  const { firstName, lastName, fullName } = known ?? nameOf(question);
  const email = known?.email ?? emailOf(question, firstName, lastName, company);
  const mailbox = email.slice(0, email.indexOf('@'));
  const askedPhone = question.phone?.replace(/[^\d+]/g, '');
  const { mailDomain: _mailDomain, employees, ...facts } = company;
  return {
    firstName,
    lastName,
    fullName,
    email,
    personalEmail:
      fraction(`personal ${identity}`) < 0.3 ? `${mailbox}@freemail.${company.countryIso.toLowerCase()}.example` : null,
    phone: known?.phone ?? (askedPhone !== undefined && isReservedPhone(askedPhone) ? askedPhone : null),
    linkedinUrl: known?.linkedinUrl ?? question.linkedinUrl ?? null,
    title:
      known?.title ??
      pick(['Head of Sales', 'Operations Manager', 'Managing Director', 'Engineer'], fraction(`title ${identity}`)),
    company: {
      ...facts,
      employees: employees ?? pick([9, 38, 140, 420, 1_900, 7_500], fraction(`size ${company.domain}`)),
    },
  };
}

function indexOf({ domain, companyName, email }: Question): number | undefined {
  return findCompanyIndex(domain, companyName) ?? findCompanyIndex(email?.split('@')[1], undefined);
}

function invent({ domain, companyName, email }: Question): Company {
  const host = (domain ?? email?.split('@')[1] ?? `${fold(companyName ?? 'unknown').replace(/[^a-z0-9]/g, '-')}.us`)
    .trim()
    .toLowerCase();
  const labels = host.replace(/\.example$/, '').split('.');
  const top = labels.at(-1) ?? '';
  const countryIso = labels.length > 1 && /^[a-z]{2}$/.test(top) ? top.toUpperCase() : 'US';
  const name = companyName ?? labels[0] ?? host;
  return {
    name,
    domain: host,
    countryIso,
    city: null,
    industry: null,
    employees: null,
    mailDomain: mailDomainOf(host, countryIso),
  };
}

function nameOf({ firstName, lastName, fullName, email, linkedinUrl }: Question) {
  const slug = linkedinUrl
    ?.replace(/[/?]+$/, '')
    .split('/')
    .at(-1)
    ?.replaceAll('-', ' ');
  const words = (fullName ?? email?.split('@')[0]?.replace(/[^a-z]+/gi, ' ') ?? slug ?? '').trim().split(/\s+/);
  const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);
  const first = firstName ?? capital(words[0] ?? '');
  const last = lastName ?? words.slice(1).map(capital).join(' ');
  return { firstName: first, lastName: last, fullName: fullName ?? `${first} ${last}`.trim() };
}

function emailOf({ email }: Question, firstName: string, lastName: string, company: Company): string {
  const asked = email?.trim().toLowerCase();
  if (asked !== undefined && /^[^@\s]+@[a-z0-9.-]+\.example$/.test(asked)) return asked;
  const letters = (text: string): string => fold(text).replace(/[^a-z0-9]/g, '');
  const mailbox = [letters(firstName), letters(lastName)].filter((part) => part !== '').join('.');
  // a name in another script has no letters for a mailbox: a stable stand-in
  return `${mailbox === '' ? `p${hash(`${firstName} ${lastName}`).toString(36)}` : mailbox}@${company.mailDomain}`;
}

/** Lower case, without diacritics and outer spaces: equal for the spellings of one name. */
function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/\s+/g, ' ').trim();
}
