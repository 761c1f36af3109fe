/** What discovery tells: who the lead is, how often it was handed in, and that it must be forgotten. */
import type {
  ConsentRecorded,
  LeadDiscovered,
  LeadDuplicated,
  LeadErased,
  LeadMerged,
  LeadRejected,
  LeadUpdated,
} from '@lead-flood/contracts';
import type { LeadDocument, SubmissionOutcome } from './document.ts';
import { increment } from './document.ts';
import { give } from './layer.ts';
import type { Told } from './projection.ts';
import { endWith } from './stage.ts';

const NAMES_MAX = 4;
const list = (names: readonly string[]): string => names.slice(0, NAMES_MAX).join(', ');

/** The submission's outcome, for the document and for the upload that it belongs to. */
const answer = (
  state: LeadDocument,
  outcome: SubmissionOutcome,
  jobId: string | null,
): Pick<LeadDocument, 'outcomes' | 'answered'> => ({
  outcomes: increment(state.outcomes, outcome),
  answered: { outcome, jobId },
});

export function discovered(state: LeadDocument, data: LeadDiscovered): Told {
  const { source, icpId, projectId, discoveredAt } = data;
  return {
    at: discoveredAt,
    note: data.icpMatch === 'none' ? 'A new lead.' : `A new lead; ICP: ${data.icpMatch}.`,
    changes: {
      ...answer(state, 'discovered', data.jobId),
      source,
      icpId,
      projectId,
      ...(state.erased ? {} : { person: give(state.person, data.person), customFields: data.attributes }),
      company: give(state.company, data.company),
      createdAt: discoveredAt,
    },
  };
}

export function updated(state: LeadDocument, data: LeadUpdated): Told {
  return {
    at: data.submittedAt,
    note: `Handed in again with news: ${list(data.changed)}.`,
    changes: {
      ...answer(state, 'updated', data.jobId),
      ...(state.erased ? {} : { person: give(state.person, data.person) }),
      company: give(state.company, data.company),
    },
  };
}

export const duplicated = (state: LeadDocument, data: LeadDuplicated): Told => ({
  at: data.submittedAt,
  note: `Handed in again with nothing new, recognised by ${list(data.matchedBy)}.`,
  changes: answer(state, 'duplicated', data.jobId),
});

/** A submission that is no lead: a row of its own, so that it is counted once. */
export const rejected = (state: LeadDocument, data: LeadRejected): Told => ({
  at: data.submittedAt,
  note: `Refused: ${list(data.reasons.map((reason) => reason.code))}.`,
  changes: { ...answer(state, 'rejected', data.jobId), isLead: state.isLead, source: data.source },
});

/** Told of the lead that stays; the other one's row is another key and stays as it is. */
export const merged = (_state: LeadDocument, data: LeadMerged): Told => ({
  at: data.mergedAt,
  note: `Lead ${data.mergedLeadId} is the same person.`,
  changes: {},
});

/** Discovery says what counts, and in which order. Words of whoever said so may name people: the timeline has none of them. */
export const consentRecorded = (
  state: LeadDocument,
  { basis, note, source, refuses, givenAt }: ConsentRecorded,
): Told => ({
  at: givenAt,
  note: refuses ? 'May not be contacted.' : 'A ground for contact was recorded.',
  changes: state.erased ? {} : { consent: { basis, note, source, refuses, givenAt } },
});

export const erased = (state: LeadDocument, data: LeadErased): Told => ({
  at: data.erasedAt,
  note: 'Personal data was erased.',
  changes: {
    erased: true,
    person: { given: {}, found: {} },
    customFields: {},
    consent: undefined,
    ending: endWith(state.ending, { at: data.erasedAt, stage: 'DISQUALIFIED', reason: 'erased' }),
  },
});
