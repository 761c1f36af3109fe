/** Which column of a CSV file is which field of a lead, by the many names that exporters give them. Unknown columns become custom fields. */

const names: Readonly<Record<string, readonly string[]>> = {
  email: ['email', 'emailaddress', 'mail', 'workemail', 'businessemail', 'primaryemail', 'emailid'],
  firstName: ['firstname', 'givenname', 'forename', 'first'],
  lastName: ['lastname', 'surname', 'familyname', 'last'],
  fullName: ['fullname', 'name', 'contactname', 'leadname', 'contact'],
  phone: ['phone', 'phonenumber', 'mobile', 'mobilephone', 'telephone', 'tel', 'workphone', 'directphone'],
  linkedinUrl: ['linkedinurl', 'linkedin', 'linkedinprofile', 'linkedinprofileurl', 'profileurl', 'personlinkedinurl'],
  title: ['title', 'jobtitle', 'position', 'role'],
  company: ['company', 'companyname', 'organization', 'organisation', 'employer', 'account', 'accountname'],
  domain: ['domain', 'companydomain', 'website', 'companywebsite'],
  countryIso: ['countryiso', 'country', 'countrycode'],
  employees: ['employees', 'employeecount', 'companysize', 'numberofemployees', 'numemployees'],
  industry: ['industry', 'companyindustry', 'sector'],
  source: ['source', 'leadsource'],
  consentBasis: ['consent', 'consentbasis', 'consentstatus', 'legalbasis', 'lawfulbasis'],
  consentNote: ['consentnote', 'consentdetails', 'consentsource'],
  // Not a bare `id`: two files of different systems would count the same numbers, and the second would pass for a repeat.
  externalId: ['externalid'],
};

const fieldOf = new Map(
  Object.entries(names).flatMap(([field, aliases]) => aliases.map((alias) => [alias, field] as const)),
);

/** Names that would reach an object's prototype. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);
const CUSTOM_NAME_MAX = 60;

export type Column = { readonly kind: 'field' | 'custom'; readonly name: string } | { readonly kind: 'none' };
export type Header =
  { readonly ok: true; readonly columns: readonly Column[] } | { readonly ok: false; readonly reason: string };

export function readHeader(cells: readonly string[]): Header {
  const columns: Column[] = cells.map((cell) => {
    const text = cell.trim();
    if (text === '' || FORBIDDEN.has(text)) return { kind: 'none' };
    const field = fieldOf.get(text.toLowerCase().replaceAll(/[^a-z]/g, ''));
    return field === undefined ? { kind: 'custom', name: text } : { kind: 'field', name: field };
  });
  const used = columns.flatMap((column) => (column.kind === 'none' ? [] : [`${column.kind} ${column.name}`]));
  const twice = used.find((name, i) => used.indexOf(name) !== i);
  if (twice !== undefined) return { ok: false, reason: `two columns mean ${twice}` };
  const tooLong = columns.some((column) => column.kind === 'custom' && column.name.length > CUSTOM_NAME_MAX);
  if (tooLong) return { ok: false, reason: `a column name is longer than ${CUSTOM_NAME_MAX} characters` };
  const identifies = columns.some(
    (column) => column.kind === 'field' && ['email', 'phone', 'linkedinUrl'].includes(column.name),
  );
  if (!identifies) return { ok: false, reason: 'no column is an e-mail address, a phone number or a LinkedIn address' };
  return { ok: true, columns };
}

const WHOLE_NUMBER = /^\d{1,3}(?:[ ,.]\d{3})+$|^\d+$/;

/** The record as a client would have posted it; empty cells are absent fields. What is wrong with it is for its schema to say. */
export function toLeadFields(columns: readonly Column[], cells: readonly string[]): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const customFields: Record<string, string> = {};
  columns.forEach((column, i) => {
    const text = (cells[i] ?? '').trim();
    if (text === '' || column.kind === 'none') return;
    if (column.kind === 'custom') customFields[column.name] = text;
    else fields[column.name] = valueOf(column.name, text);
  });
  const { consentBasis, consentNote, ...rest } = fields;
  const consent = {
    ...(consentBasis === undefined ? {} : { basis: consentBasis }),
    ...(consentNote === undefined ? {} : { note: consentNote }),
  };
  return { ...rest, ...(Object.keys(consent).length === 0 ? {} : { consent }), customFields };
}

function valueOf(field: string, text: string): unknown {
  if (field === 'countryIso') return text.toUpperCase();
  if (field === 'employees') return WHOLE_NUMBER.test(text) ? Number(text.replaceAll(/[ ,.]/g, '')) : text;
  return field === 'domain' ? text.replace(/^https?:\/\//i, '').split(/[/?#]/, 1)[0] : text;
}

/** The delimiter of the first line, looking past quoted text; a comma when none is to be seen. */
export function guessDelimiter(start: string): ',' | ';' | '\t' {
  const found = { ',': 0, ';': 0, '\t': 0 };
  let quoted = false;
  for (const character of start) {
    if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === '\n' || character === '\r') break;
    else if (character === ',' || character === ';' || character === '\t') found[character] += 1;
  }
  if (found['\t'] > found[','] && found['\t'] >= found[';']) return '\t';
  return found[';'] > found[','] ? ';' : ',';
}
