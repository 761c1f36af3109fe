// Invented people at real companies, the same for the same seed: what demos and load tests send in as leads.
// Addresses end in `.example`, numbers are reserved ones, LinkedIn slugs say that they are invented.
import { companies } from './companies.ts';
import { drawFirstName, drawLastName, hasNames } from './names.ts';
import type { Name } from './names.ts';
import { dealPhone, phoneCountryOf, toNational, turnsOf } from './phones.ts';
import type { PhoneCountry } from './phones.ts';
import { createRandom, hash, pick } from './seed.ts';

export interface Person {
  readonly seed: number;
  readonly firstName: string;
  readonly lastName: string;
  readonly fullName: string;
  /** unique per seed */
  readonly email: string;
  /** E.164, of a reserved range; null for those who have none */
  readonly phone: string | null;
  /** unique per seed */
  readonly linkedinUrl: string;
  readonly title: string;
  /** ISO 3166 alpha-2 of the country the name comes from, mostly that of the company */
  readonly country: string;
  readonly company: {
    readonly name: string;
    readonly domain: string;
    readonly countryIso: string;
    readonly employees: number | null;
    readonly industry: string | null;
    readonly city: string | null;
  };
}

/** Coprime with the number of companies, so that consecutive seeds walk through all of them in a mixed order. */
const companyStep = 1237;
const familyNameFirst = new Set(['CN', 'HU', 'JP', 'KR', 'TW']);
const twoLastNames = new Set(['AR', 'CL', 'CO', 'ES', 'MX', 'PE']);
const elsewhere = ['US', 'GB', 'DE', 'FR', 'ES', 'IT', 'PL', 'TR', 'CN', 'JP', 'KR', 'SA', 'IN', 'BR', 'SE', 'UA'];
const titles = (
  'Chief Executive Officer|Founder|Co-Founder and CTO|Chief Financial Officer|Chief Revenue Officer|' +
  'Chief Information Security Officer|VP Sales|VP Marketing|VP Engineering|VP Operations|Head of Procurement|' +
  'Head of Data|Head of People|Head of Growth|Director of Sales|Director of IT|Director of Supply Chain|' +
  'Director of Product|Regional Sales Manager|Key Account Manager|Marketing Manager|Product Manager|' +
  'Plant Manager|HR Business Partner|Senior Software Engineer|Solution Architect|Financial Controller|' +
  'Business Development Representative|Purchasing Specialist|Data Analyst|Office Manager|Consultant'
).split('|');

/** The person of this seed (a whole number from 0): pure, some microseconds. */
export function person(seed: number): Person {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`a seed is a whole number from 0, got ${seed}`);
  const random = createRandom(seed);
  const company = companies[companyIndexOf(seed)];
  if (company === undefined) throw new Error('data/companies.csv holds no company');
  const atHome = hasNames(company.countryIso) && random() < 0.85;
  const country = atHome ? company.countryIso : pick(elsewhere, random());
  const round = Math.floor(seed / companies.length);
  const first = drawFirstName(country, round, random());
  const last = drawLastName(country, first.gender, random());
  const secondLast = twoLastNames.has(country) && random() < 0.6 ? drawLastName(country, '', random()) : undefined;
  const spelled = spell(country, first, secondLast === undefined ? [last] : [last, secondLast], random);
  const [mailFirst, mailLast] = [asciiLetters(first.ascii), asciiLetters(last.ascii)];
  const { name, domain, countryIso, employees, industry, city } = company;
  return {
    seed,
    ...spelled,
    email: `${mailbox(mailFirst, mailLast, random())}${seed}@${company.mailDomain}`,
    phone: phoneFor(company.countryIso, seed, random()),
    linkedinUrl: `https://www.linkedin.com/in/${[mailFirst, mailLast, 'invented'].filter((part) => part !== '').join('-')}-${seed.toString(36)}`,
    title: pick(titles, random()),
    country,
    company: { name, domain, countryIso, employees, industry, city },
  };
}

export function companyIndexOf(seed: number): number {
  return ((seed % companies.length) * companyStep) % companies.length;
}

const firstSeeds = new Map(companies.map((_, seed) => [companyIndexOf(seed), seed]));

/** The lowest seed whose person works at the company; the next ones follow at distances of `companies.length`. */
export function firstSeedOfCompany(companyIndex: number): number {
  const seed = firstSeeds.get(companyIndex);
  if (seed === undefined) throw new RangeError(`no company ${companyIndex}`);
  return seed;
}

function spell(country: string, first: Name, lasts: readonly Name[], random: () => number) {
  const all = [first, ...lasts];
  // own script for half of those who have another one, and for all whom the source does not transliterate
  const own = random() < 0.5 || all.some((name) => name.latin === '');
  // some systems hand over decomposed letters: the same name, other bytes
  const form = random() < 0.15 ? 'NFD' : 'NFC';
  const write = (name: Name): string => (own ? name.own : name.latin).normalize(form);
  const firstName = write(first);
  const lastName = lasts.map(write).join(' ');
  const glued = own && all.every((name) => ['Han', 'Hangul', 'Hiragana'].includes(name.script));
  const turned = familyNameFirst.has(country) && (glued || random() < 0.5);
  const order = turned ? [lastName, firstName] : [firstName, lastName];
  return { firstName, lastName, fullName: order.join(glued ? '' : ' ') };
}

function mailbox(first: string, last: string, position: number): string {
  if (first === '' && last === '') return 'mail';
  if (first === '' || last === '') return `${first}${last}.`;
  return pick(
    [`${first}.${last}`, `${first.slice(0, 1)}.${last}`, `${first}_${last}`, `${first}-`, `${first}${last}.`],
    position,
  );
}

/** Two seeds less than this apart never get the same number. */
export const phoneWindow = 20_000;

/** So many rounds through all companies may a window touch. */
const windowRounds = Math.ceil(phoneWindow / companies.length) + 1;

/** For each country the positions of its companies, and for each company its place among them. */
const companiesOf = new Map<string, number[]>();
const placeOf = companies.map(({ countryIso }, index) => {
  const positions = companiesOf.get(countryIso) ?? [];
  companiesOf.set(countryIso, positions);
  return positions.push(index) - 1;
});

/**
 * The ranges are small. People in Britain, Germany, France and Sweden are counted through their country's companies
 * and get a number of that country in turn; in North America everybody gets one, elsewhere 30 % (an American one).
 */
function phoneFor(countryIso: string, seed: number, position: number): string | null {
  const home = homeRange(countryIso);
  if (home !== undefined) {
    const perRound = companiesOf.get(home)?.length ?? 0;
    const turn = Math.floor(seed / companies.length) * perRound + (placeOf[companyIndexOf(seed)] ?? 0);
    const phone = dealPhone(home, turn, perRound * windowRounds);
    if (phone !== null) return phone;
  }
  const american = countryIso === 'US' || countryIso === 'CA' || position < 0.3;
  return american ? dealPhone('US', seed, phoneWindow) : null;
}

function homeRange(countryIso: string): Exclude<PhoneCountry, 'US'> | undefined {
  return (['GB', 'DE', 'FR', 'SE'] as const).find((country) => country === countryIso);
}

/** The person below `rounds` rounds through all companies who has this number. */
export function personOfPhone(phone: string, rounds: number): Person | undefined {
  const country = phoneCountryOf(phone);
  if (country === undefined) return undefined;
  const positions = companiesOf.get(country) ?? [];
  const seeds =
    country === 'US'
      ? turnsOf('US', phone, phoneWindow, rounds * companies.length)
      : turnsOf(country, phone, positions.length * windowRounds, rounds * positions.length).map((turn) => {
          const companyIndex = positions[turn % positions.length] ?? 0;
          return firstSeedOfCompany(companyIndex) + Math.floor(turn / positions.length) * companies.length;
        });
  return seeds.map(person).find((candidate) => candidate.phone === phone);
}

function asciiLetters(text: string): string {
  return text.toLowerCase().replace(/[^a-z]/g, '');
}

/** The same person as another door would spell it: for duplicates. `variant` chooses among the spellings. */
export function otherSpelling(original: Person, variant = 0): Person {
  const choice = (topic: string, count: number): number => (hash(`${topic} ${original.seed}`) + variant) % count;
  const [mailbox = '', domain = ''] = original.email.split('@');
  const emails = [original.email.toUpperCase(), `${mailbox}+news@${domain}`, `  ${original.email} `];
  const slug = original.linkedinUrl.slice(original.linkedinUrl.lastIndexOf('/') + 1);
  const links = [
    `${original.linkedinUrl}?trk=public_profile`,
    `${original.linkedinUrl}/`,
    `https://${original.company.countryIso.toLowerCase()}.linkedin.com/in/${slug}`,
    `http://linkedin.com/in/${slug}/?originalSubdomain=${original.company.countryIso.toLowerCase()}`,
  ];
  const rewrite = (name: string): string =>
    [name.normalize('NFD'), name.normalize('NFC').toUpperCase(), ` ${name}  `][choice('name', 3)] ?? name;
  return {
    ...original,
    firstName: rewrite(original.firstName),
    lastName: rewrite(original.lastName),
    fullName: rewrite(original.fullName),
    email: emails[choice('email', emails.length)] ?? original.email,
    phone: original.phone === null ? null : toNational(original.phone, choice('phone', 2)),
    linkedinUrl: links[choice('link', links.length)] ?? original.linkedinUrl,
  };
}
