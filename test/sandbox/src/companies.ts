// The real companies of data/companies.csv that have a website and a country, and the `.example` mail domain that
// stands for each of them. Read once at start; never used to build an address at the company itself.
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { hash } from './seed.ts';

export interface Company {
  readonly name: string;
  /** the real registrable domain: a public fact, never part of an invented address */
  readonly domain: string;
  readonly countryIso: string;
  readonly city: string | null;
  readonly industry: string | null;
  readonly employees: number | null;
  /** `<label>.<country>.example`: the only place where invented people of this company have mailboxes */
  readonly mailDomain: string;
}

const text = z.string().transform((value) => (value === '' ? null : value));
const row = z.object({
  name: z.string().min(1),
  domain: text,
  industry: text,
  country_iso2: text,
  city: text,
  employees: z.string().transform((value) => (value === '' ? null : Number(value))),
});

function loadCompanies(): Company[] {
  const file = readFileSync(new URL('../data/companies.csv', import.meta.url));
  const rows = z.array(row).parse(parse(file, { columns: true, bom: true }));
  return rows.flatMap(({ name, domain, industry, country_iso2: countryIso, city, employees }) =>
    domain === null || countryIso === null
      ? []
      : [{ name, domain, countryIso, city, industry, employees, mailDomain: mailDomainOf(domain, countryIso) }],
  );
}

/** `volvocars.com`, `SE` -> `volvocars.se.example`; a domain that is `.example` already stays as it is. */
export function mailDomainOf(domain: string, countryIso: string): string {
  const clean = domain.trim().toLowerCase();
  if (/^[a-z0-9.-]+\.example$/.test(clean)) return clean;
  const label = (clean.split('.')[0] ?? '').replace(/[^a-z0-9-]/g, '').replace(/^-+|-+$/g, '');
  return `${label === '' ? `c${hash(clean).toString(36)}` : label}.${countryIso.toLowerCase()}.example`;
}

export const companies: readonly Company[] = loadCompanies();

const byDomain = new Map(companies.map((company, index) => [company.domain, index]));
const byMailDomain = new Map(companies.map((company, index) => [company.mailDomain, index]));
const byName = new Map(companies.map((company, index) => [company.name.toLowerCase(), index]));

/** The position in `companies`, by website, by `.example` mail domain or by exact name; undefined if unknown. */
export function findCompanyIndex(domain: string | undefined, name: string | undefined): number | undefined {
  if (domain !== undefined) {
    const clean = domain
      .trim()
      .toLowerCase()
      .replace(/^https?:\/\//, '')
      .replace(/^www\./, '')
      .replace(/\/.*$/, '');
    const index = byDomain.get(clean) ?? byMailDomain.get(clean);
    if (index !== undefined) return index;
  }
  return name === undefined ? undefined : byName.get(name.trim().toLowerCase());
}
