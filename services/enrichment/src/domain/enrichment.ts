/** What becomes of a discovered lead once providers were asked: the best answers merged, with the origin of each field. */
import type {
  Company,
  FieldProvenance,
  LeadDiscovered,
  LeadEnriched,
  LeadEnrichmentFailed,
  Person,
} from '@lead-flood/contracts';
import type { Decision } from '@lead-flood/kernel';
import { apply, skip } from '@lead-flood/kernel';
import type { Answers, Attempt, Finding } from './finding.ts';
import { spentMicros } from './plan.ts';
import { professionalOnly } from './region.ts';

export type ContactPoint = {
  readonly kind: 'email' | 'phone' | 'linkedin';
  readonly value: string;
  readonly status: string;
  readonly provider: string;
  readonly confidence: number;
};

export type Enrichment = {
  readonly status: 'PENDING' | 'COMPLETED' | 'FAILED';
  readonly attempts: readonly Attempt[];
  readonly contacts: readonly ContactPoint[];
  readonly observedAt: number;
};

export const initialState: Enrichment = { status: 'PENDING', attempts: [], contacts: [], observedAt: 0 };

export type Emitted =
  | { readonly name: 'LeadEnriched'; readonly data: LeadEnriched }
  | { readonly name: 'LeadEnrichmentFailed'; readonly data: LeadEnrichmentFailed };

export function enrich(
  state: Enrichment,
  lead: LeadDiscovered,
  answers: Answers,
  now: number,
): Decision<Enrichment, Emitted> {
  if (state.status !== 'PENDING') return skip('already_enriched');
  const usable = answers.findings
    .map((finding) => withoutPrivateMailbox(finding, lead.company.countryIso))
    .toSorted((a, b) => rank(b) - rank(a));
  const useful = usable.filter(
    (finding) => finding.email !== null || finding.phone !== null || finding.linkedinUrl !== null,
  );
  if (useful.length === 0) return fail(lead, answers, now, whyNothing(answers));
  const { person, company, fields, email } = merge(lead, useful, answers.observedAt);
  const enriched: LeadEnriched = {
    ...about(lead),
    enrichedAt: now,
    person,
    company,
    fields,
    attempts: answers.attempts,
    costMicros: spentMicros(answers.attempts),
    emailStatus: email?.emailStatus ?? 'unknown',
    confidence: email?.emailConfidence ?? 0,
  };
  const next: Enrichment = {
    status: 'COMPLETED',
    attempts: answers.attempts,
    contacts: contactPoints(person, useful),
    observedAt: answers.observedAt,
  };
  return apply<Enrichment, Emitted>(next, [{ name: 'LeadEnriched', data: enriched }]);
}

function whyNothing({ attempts, findings }: Answers): string {
  if (findings.length > 0) return 'filtered';
  return attempts.some(({ status }) => status === 'restricted') ? 'restricted' : 'no-hit';
}

/** EN-16: the line goes on with what was discovered. */
export function fail(
  lead: LeadDiscovered,
  answers: Answers,
  now: number,
  reason: string,
): Decision<Enrichment, Emitted> {
  const failed: LeadEnrichmentFailed = {
    ...about(lead),
    failedAt: now,
    person: lead.person,
    company: lead.company,
    reason,
    attempts: answers.attempts,
    costMicros: spentMicros(answers.attempts),
  };
  return apply<Enrichment, Emitted>(
    { status: 'FAILED', attempts: answers.attempts, contacts: [], observedAt: answers.observedAt },
    [{ name: 'LeadEnrichmentFailed', data: failed }],
  );
}

const about = ({ orgId, leadId, submittedAt, icpId, icpMatch, projectId }: LeadDiscovered) => ({
  orgId,
  leadId,
  submittedAt,
  icpId,
  icpMatch,
  projectId,
});

/** A verified address outweighs everything else; then what the provider thinks of its own answer. */
const rank = (finding: Finding): number =>
  (finding.emailStatus === 'verified' ? 2 : 0) + finding.emailConfidence + finding.confidence;

function withoutPrivateMailbox(finding: Finding, countryIso: string | null): Finding {
  return finding.personalEmail && professionalOnly(countryIso)
    ? { ...finding, email: null, emailStatus: 'unknown', emailConfidence: 0 }
    : finding;
}

type Merged = {
  readonly person: Person;
  readonly company: Company;
  readonly fields: FieldProvenance[];
  readonly email: Finding | undefined;
};

/** What the lead brought stays; providers fill the gaps, the best one first, and judge the address. */
function merge(lead: LeadDiscovered, findings: readonly Finding[], observedAt: number): Merged {
  const fields: FieldProvenance[] = [];
  const fill = <T>(name: string, known: T | null, read: (finding: Finding) => T | null): T | null => {
    if (known !== null) return known;
    const source = findings.find((finding) => read(finding) !== null);
    if (source === undefined) return null;
    fields.push({ name, provider: source.provider, confidence: source.confidence, observedAt });
    return read(source);
  };
  const email = lead.person.email ?? findings.find((finding) => finding.email !== null)?.email ?? null;
  const judge = findings.find((finding) => finding.email !== null && finding.email.toLowerCase() === email);
  if (judge !== undefined)
    fields.push({ name: 'person.email', provider: judge.provider, confidence: judge.emailConfidence, observedAt });
  const person: Person = {
    ...lead.person,
    email,
    fullName: fill('person.fullName', lead.person.fullName, (f) => f.fullName),
    phone: fill('person.phone', lead.person.phone, (f) => f.phone),
    linkedinUrl: fill('person.linkedinUrl', lead.person.linkedinUrl, (f) => f.linkedinUrl),
    title: fill('person.title', lead.person.title, (f) => f.title),
  };
  const company: Company = {
    name: fill('company.name', lead.company.name, (f) => f.company.name),
    domain: fill('company.domain', lead.company.domain, (f) => f.company.domain),
    countryIso: fill('company.countryIso', lead.company.countryIso, (f) => f.company.countryIso),
    employees: fill('company.employees', lead.company.employees, (f) => f.company.employees),
    industry: fill('company.industry', lead.company.industry, (f) => f.company.industry),
  };
  return { person, company, fields, email: judge };
}

function contactPoints(person: Person, findings: readonly Finding[]): ContactPoint[] {
  const point = (
    kind: ContactPoint['kind'],
    value: string | null,
    read: (finding: Finding) => string | null,
  ): ContactPoint[] => {
    const source = findings.find((finding) => value !== null && read(finding)?.toLowerCase() === value.toLowerCase());
    if (value === null) return [];
    if (source === undefined) return [{ kind, value, status: 'unknown', provider: 'source', confidence: 0 }];
    const email = kind === 'email';
    return [
      {
        kind,
        value,
        status: email ? source.emailStatus : 'unknown',
        provider: source.provider,
        confidence: email ? source.emailConfidence : source.confidence,
      },
    ];
  };
  return [
    ...point('email', person.email, (f) => f.email),
    ...point('phone', person.phone, (f) => f.phone),
    ...point('linkedin', person.linkedinUrl, (f) => f.linkedinUrl),
  ];
}
