/**
 * The read model of one lead: everything the doors show of it, in one document. Lists are tuples, since their rows
 * repeat and the document is parsed and written about five times a lead: it has to stay below 2 KB.
 */
import type { Company, LeadStage, Person } from '@lead-flood/contracts';
import { derivedId } from '@lead-flood/kernel';

/** Only what is known; an absent name means null. */
export type Sparse<T> = { readonly [K in keyof T]?: NonNullable<T[K]> };

/** What discovery said, and what enrichment found beyond it: kept apart, so that they may arrive in any order. */
export type Layered<T> = { readonly given: Sparse<T>; readonly found: Sparse<T> };

/** provider, status, confidence, latencyMs, costMicros */
export type Attempt = readonly [string, string, number | null, number, number];
/** name, provider, confidence, observedAt */
export type Field = readonly [string, string, number, number];
/** ruleId, text, passed (1 or 0), contribution */
export type Reason = readonly [string, string, number, number];
/** at, event, id, note */
export type Entry = readonly [number, string, string, string];

export type Counts = { readonly [name: string]: number };

export type Enrichment = {
  readonly status: 'COMPLETED' | 'FAILED';
  readonly emailStatus: string;
  readonly confidence: number;
  readonly fields: readonly Field[];
  readonly attempts: readonly Attempt[];
  readonly costMicros: number;
  readonly reason: string | null;
  readonly at: number;
};

export type Score = {
  readonly value: number;
  readonly band: string;
  readonly reasons: readonly Reason[];
  readonly scorer: string;
  readonly rulesVersion: number;
  readonly at: number;
};

export type Outreach = {
  readonly sent: number;
  readonly failed: number;
  /** Held back when their turn came: the sequence had ended, or the person wants silence. Rows from before have none. */
  readonly withheld?: number;
  readonly replies: number;
  readonly lastMessageAt: number | null;
  readonly notContacted: string | null;
};

export type Latest = { readonly at: number; readonly what: string };

export type Calls = {
  readonly tasks: number;
  /** Calls by outcome. */
  readonly outcomes: Counts;
  readonly last: Latest | null;
  /** Declined tasks by reason. */
  readonly declines: Counts;
  readonly declined: Latest | null;
};

/** How the lead's way ended; of two endings the earlier counts, whichever is heard of first. */
export type Ending = {
  readonly at: number;
  readonly stage: 'CONVERTED' | 'DISQUALIFIED';
  readonly reason: string | null;
};

export type SubmissionOutcome = 'discovered' | 'updated' | 'duplicated' | 'rejected';

export type Consent = {
  readonly basis: string | null;
  readonly note: string | null;
  readonly source: string;
  readonly refuses: boolean;
  readonly givenAt: number;
};

export type LeadDocument = {
  readonly orgId: string;
  readonly jobId: string;
  /** False until an event speaks of a lead: a refused submission is none. */
  readonly isLead: boolean;
  readonly stage: LeadStage;
  readonly source: string | null;
  readonly icpId: string | null;
  readonly projectId: string | null;
  readonly person: Layered<Person>;
  readonly company: Layered<Company>;
  readonly customFields: { readonly [name: string]: string };
  /** On what ground the person may be contacted, as last said. */
  readonly consent?: Consent | undefined;
  /** Submissions by outcome. */
  readonly outcomes: Counts;
  readonly enrichment: Enrichment | null;
  /** Once scored MEDIUM or HIGH: somebody ought to get in touch. */
  readonly qualified: boolean;
  readonly score: Score | null;
  readonly outreach: Outreach;
  readonly replied: boolean;
  readonly calls: Calls;
  readonly ending: Ending | null;
  /** Personal data is gone and must not come back with an event that was under way. */
  readonly erased: boolean;
  /** When it was discovered; until that is heard of, the earliest time that is known. */
  readonly createdAt: number;
  readonly changedAt: number;
  readonly timeline: readonly Entry[];
  /** Not stored: the submission that this step answered and the upload it belongs to, for the counters beside the row. */
  readonly answered?: { readonly outcome: SubmissionOutcome; readonly jobId: string | null } | undefined;
};

export const jobIdOf = (leadId: string): string => derivedId('lead.enrich', leadId);

const nothing = { given: {}, found: {} };

/** What a lead starts with; the stored form leaves out what is still so. */
const beginning = {
  isLead: false,
  stage: 'NEW',
  source: null,
  icpId: null,
  projectId: null,
  person: nothing,
  company: nothing,
  customFields: {},
  outcomes: {},
  enrichment: null,
  qualified: false,
  score: null,
  outreach: { sent: 0, failed: 0, replies: 0, lastMessageAt: null, notContacted: null },
  replied: false,
  calls: { tasks: 0, outcomes: {}, last: null, declines: {}, declined: null },
  ending: null,
  erased: false,
  timeline: [],
} as const satisfies Partial<LeadDocument>;

export const initialState = (leadId: string, orgId: string): LeadDocument => ({
  ...beginning,
  orgId,
  jobId: jobIdOf(leadId),
  createdAt: Number.MAX_SAFE_INTEGER,
  changedAt: 0,
});

export type StoredDocument = Pick<LeadDocument, 'orgId' | 'jobId' | 'createdAt' | 'changedAt'> & Partial<LeadDocument>;

export const fromStored = (stored: StoredDocument): LeadDocument => ({ ...beginning, ...stored });

const unchanged = Object.keys(beginning) as (keyof typeof beginning)[];

/** The document with its stored form: a tenth shorter, and every byte is parsed and written several times. */
export const storable = (lead: LeadDocument): LeadDocument & { readonly toJSON: () => object } => ({
  ...lead,
  toJSON: () => {
    // `undefined` is no JSON and so left out; taking properties away would make the object slow.
    const slim: { [name: string]: unknown } = { ...lead, answered: undefined };
    for (const name of unchanged) if (slim[name] === beginning[name]) slim[name] = undefined;
    return slim;
  },
});

export const increment = (counts: Counts, name: string): Counts => ({ ...counts, [name]: (counts[name] ?? 0) + 1 });

/** Of two the later one; of two at the same moment always the same one. */
export function later(a: Latest | null, b: Latest): Latest {
  if (a === null || b.at > a.at) return b;
  return b.at === a.at && b.what > a.what ? b : a;
}
