/** One event, one step of the document. Whatever the order in which topics bring their events, the end is the same. */
import type { Decision, Event } from '@lead-flood/kernel';
import { apply, reject } from '@lead-flood/kernel';
import type { LeadDocument } from './document.ts';
import { stageOf } from './stage.ts';
import { addEntry } from './timeline.ts';

/** What an event tells: when it happened, one sentence for the timeline, and what it changes. */
export type Told = { readonly at: number; readonly note: string; readonly changes: Partial<LeadDocument> };

export function project<D>(
  state: LeadDocument,
  event: Event<string, D>,
  tell: (state: LeadDocument, data: D) => Told,
): Decision<LeadDocument, never> {
  if (event.orgId !== state.orgId) return reject('ANL_ERR_FOREIGN_ORG', 'the lead belongs to another organisation');
  const { at, note, changes } = tell(state, event.data);
  const next: LeadDocument = {
    ...state,
    isLead: true,
    // Earliest time known, until the discovery says when it was.
    createdAt: state.source === null ? Math.min(state.createdAt, at) : state.createdAt,
    answered: undefined,
    ...changes,
    changedAt: Math.max(state.changedAt, at),
    timeline: addEntry(state.timeline, [at, event.name, event.id, note]),
  };
  return apply<LeadDocument, never>({ ...next, stage: stageOf(next) });
}
