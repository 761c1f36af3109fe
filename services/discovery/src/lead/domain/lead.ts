/**
 * What becomes of a submission: a new lead, news about a known one, a repeat, or a refusal. Exactly one outcome each.
 *
 *   problems ──────────────▶ LeadRejected          known, nothing new ──▶ LeadDuplicated
 *   nobody has its keys ───▶ LeadDiscovered        known, something new ─▶ LeadUpdated
 *   keys of two leads ─────▶ LeadMerged, then as known
 */
import type {
  Company,
  ConsentRecorded,
  LeadDiscovered,
  LeadDuplicated,
  LeadMerged,
  LeadRejected,
  LeadSubmitted,
  LeadUpdated,
  Person,
  RejectionReason,
} from '@lead-flood/contracts';
import type { Decision } from '@lead-flood/kernel';
import { apply, derivedId, reject, skip } from '@lead-flood/kernel';
import type { Consent } from './consent.ts';
import { consentOf, newerConsent } from './consent.ts';
import type { IcpFilters } from './icp-match.ts';
import { matchIcp } from './icp-match.ts';
import type { Submission } from './submission.ts';
import { keyText } from './submission.ts';

export type Outcome = 'DISCOVERED' | 'UPDATED' | 'DUPLICATE' | 'REJECTED';

/** The record of the latest submission; appended to lead_discovery_records. */
export type Record = {
  readonly submissionId: string;
  readonly naturalKey: string;
  readonly source: string;
  readonly outcome: Outcome;
  readonly reasons: readonly RejectionReason[];
};

export type Known = {
  readonly kind: 'known';
  readonly person: Person;
  readonly company: Company;
  readonly keys: readonly string[];
  readonly source: string;
  readonly icpId: string | null;
  readonly projectId: string | null;
  readonly attributes: Readonly<{ [name: string]: string }>;
  readonly consent: Consent | null;
  readonly submissions: number;
  readonly discoveredAt: number;
  readonly updatedAt: number;
  readonly last: Record;
};

export type Lead = { readonly kind: 'unknown' } | { readonly kind: 'refused'; readonly last: Record } | Known;

export const initialState: Lead = { kind: 'unknown' };

/** What was found out about the submission before the decision. */
export type Facts = {
  readonly leadId: string;
  readonly submission: Submission;
  readonly naturalKey: string;
  /** The same submission was handed in before. */
  readonly repeat: boolean;
  /** Other leads that its keys belong to. */
  readonly merged: readonly string[];
  readonly icp: IcpFilters | null;
};

export type Emitted =
  | { readonly name: 'LeadDiscovered'; readonly data: LeadDiscovered }
  | { readonly name: 'LeadUpdated'; readonly data: LeadUpdated }
  | { readonly name: 'LeadDuplicated'; readonly data: LeadDuplicated }
  | { readonly name: 'LeadRejected'; readonly data: LeadRejected }
  | { readonly name: 'LeadMerged'; readonly data: LeadMerged }
  | { readonly name: 'ConsentRecorded'; readonly data: ConsentRecorded };

export type Input = { readonly submissionId: string; readonly data: LeadSubmitted; readonly now: number };

export const jobIdOf = (leadId: string): string => derivedId('lead.enrich', leadId);

/** Through Kafka: every submission is answered with an event. */
export function receiveLead(state: Lead, input: Input, facts: Facts): Decision<Lead, Emitted> {
  if (facts.repeat) return skip('repeated_submission');
  if (facts.submission.problems.length > 0) return refuse(input, facts);
  const merges = facts.merged.map((mergedLeadId) => merge(input, facts, mergedLeadId));
  if (state.kind !== 'known') return discover(input, facts, merges);
  return recognise(state, input, facts, merges);
}

/** Through REST: a client that creates is told of its mistakes and of duplicates at once (GW-06). */
export function createLead(state: Lead, input: Input, facts: Facts): Decision<Lead, Emitted> {
  const [problem] = facts.submission.problems;
  if (problem !== undefined)
    return reject('DSC_ERR_INVALID_LEAD', facts.submission.problems.map((p) => `${p.field}: ${p.detail}`).join('; '));
  // The lead of a repeat was not looked for: the id in the facts is one that this submission would have got.
  if (facts.repeat) return reject('DSC_ERR_LEAD_EXISTS', 'a lead of this source and external id was handed in before');
  if (state.kind === 'known') return reject('DSC_ERR_LEAD_EXISTS', `the person is known as lead ${facts.leadId}`);
  return discover(input, facts, []);
}

function refuse({ submissionId, data }: Input, facts: Facts): Decision<Lead, Emitted> {
  const { orgId, source, submittedAt, jobId } = data;
  const reasons = facts.submission.problems;
  return apply<Lead, Emitted>({ kind: 'refused', last: record(submissionId, data, facts, 'REJECTED') }, [
    { name: 'LeadRejected', data: { orgId, submissionId, source, submittedAt, reasons, jobId } },
  ]);
}

function discover(
  { submissionId, data, now }: Input,
  facts: Facts,
  merges: readonly Emitted[],
): Decision<Lead, Emitted> {
  const { person, company, keys } = facts.submission;
  const { orgId, source, submittedAt, icpId, projectId, attributes, jobId } = data;
  const consent = consentOf(data);
  const lead: Known = {
    kind: 'known',
    person,
    company,
    keys: keys.map(keyText),
    source,
    icpId,
    projectId,
    attributes,
    consent,
    submissions: 1,
    discoveredAt: now,
    updatedAt: now,
    last: record(submissionId, data, facts, 'DISCOVERED'),
  };
  const discovered: LeadDiscovered = {
    orgId,
    leadId: facts.leadId,
    submissionId,
    source,
    submittedAt,
    discoveredAt: now,
    person,
    company,
    icpId,
    icpVersion: facts.icp?.version ?? null,
    icpMatch: matchIcp(company, facts.icp),
    projectId,
    attributes,
    jobId,
  };
  return apply<Lead, Emitted>(lead, [
    { name: 'LeadDiscovered', data: discovered },
    ...merges,
    ...tellConsent(consent, orgId, facts.leadId, person),
  ]);
}

function recognise(state: Known, input: Input, facts: Facts, merges: readonly Emitted[]): Decision<Lead, Emitted> {
  const { submissionId, data, now } = input;
  const given = facts.submission;
  const person = fill(state.person, given.person);
  const company = fill(state.company, given.company);
  const keys = new Set(state.keys);
  const matchedBy = given.keys.filter((key) => keys.has(keyText(key))).map((key) => key.kind);
  const changed = [...changes('person', state.person, person), ...changes('company', state.company, company)];
  const outcome = changed.length > 0 ? 'UPDATED' : 'DUPLICATE';
  const consent = newerConsent(state.consent, consentOf(data));
  const next: Known = {
    ...state,
    person,
    company,
    consent: consent ?? state.consent,
    keys: [...new Set([...state.keys, ...given.keys.map(keyText)])],
    submissions: state.submissions + 1,
    updatedAt: now,
    last: record(submissionId, data, facts, outcome),
  };
  const { orgId, source, submittedAt, jobId } = data;
  const about = { orgId, leadId: facts.leadId, submissionId, source, submittedAt, matchedBy, jobId };
  const said: Emitted =
    outcome === 'UPDATED'
      ? { name: 'LeadUpdated', data: { ...about, person, company, changed } }
      : { name: 'LeadDuplicated', data: about };
  return apply<Lead, Emitted>(next, [...merges, said, ...tellConsent(consent, orgId, facts.leadId, person)]);
}

const tellConsent = (consent: Consent | null, orgId: string, leadId: string, person: Person): Emitted[] =>
  consent === null ? [] : [{ name: 'ConsentRecorded', data: { orgId, leadId, person, ...consent } }];

const merge = ({ data, now }: Input, facts: Facts, mergedLeadId: string): Emitted => ({
  name: 'LeadMerged',
  data: {
    orgId: data.orgId,
    leadId: facts.leadId,
    mergedLeadId,
    evidence: facts.submission.keys.map((key) => key.kind),
    mergedAt: now,
  },
});

const record = (submissionId: string, data: LeadSubmitted, facts: Facts, outcome: Outcome): Record => ({
  submissionId,
  naturalKey: facts.naturalKey,
  source: data.source,
  outcome,
  reasons: facts.submission.problems,
});

/** Known values stay: of two sources nobody can say which is right, and the first may have been verified since. */
function fill<T extends Person | Company>(known: T, given: T): T {
  const news = Object.entries(given).filter(([name, value]) => value !== null && known[name as keyof T] === null);
  return news.length === 0 ? known : { ...known, ...Object.fromEntries(news) };
}

const changes = <T extends Person | Company>(prefix: string, before: T, after: T): string[] =>
  before === after
    ? []
    : Object.keys(after)
        .filter((name) => before[name as keyof T] !== after[name as keyof T])
        .map((name) => `${prefix}.${name}`);
