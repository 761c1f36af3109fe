/** Analytics' projection: every event about a lead, folded into its document. It writes no events. */
import { topics } from '@lead-flood/contracts';
import type { BatchProcessor } from '@lead-flood/processor';
import * as contact from './domain/contact-events.ts';
import * as discovery from './domain/discovery-events.ts';
import type { LeadDocument } from './domain/document.ts';
import { initialState } from './domain/document.ts';
import { project } from './domain/projection.ts';
import * as qualification from './domain/qualification-events.ts';
import type { Freshness } from './freshness.ts';
import { store } from './store.ts';

const reads = [
  topics['discovery.lead.v1'],
  topics['enrichment.lead.v1'],
  topics['scoring.lead.v1'],
  topics['outreach.message.v1'],
  topics['call-allocation.task.v1'],
] as const;
const writes = [] as const;

export type AnalyticsProcessor = BatchProcessor<LeadDocument, typeof reads, typeof writes>;

export const createAnalytics = (freshness: Freshness): AnalyticsProcessor => ({
  group: 'analytics',
  reads,
  writes,
  store,
  committed: freshness.applied,
  initial: initialState,
  // Call tasks are keyed by task; a refused submission has no lead and is a row of its own.
  keyOf: ({ name, data }) => (name === 'LeadRejected' ? data.submissionId : data.leadId),
  decide: {
    LeadDiscovered: (state, event) => project(state, event, discovery.discovered),
    LeadUpdated: (state, event) => project(state, event, discovery.updated),
    LeadDuplicated: (state, event) => project(state, event, discovery.duplicated),
    LeadRejected: (state, event) => project(state, event, discovery.rejected),
    LeadMerged: (state, event) => project(state, event, discovery.merged),
    ConsentRecorded: (state, event) => project(state, event, discovery.consentRecorded),
    LeadErased: (state, event) => project(state, event, discovery.erased),
    LeadEnriched: (state, event) => project(state, event, qualification.enriched),
    LeadEnrichmentFailed: (state, event) => project(state, event, qualification.enrichmentFailed),
    LeadScored: (state, event) => project(state, event, qualification.scored),
    MessageSent: (state, event) => project(state, event, contact.sent),
    MessageFailed: (state, event) => project(state, event, contact.failed),
    MessageReplied: (state, event) => project(state, event, contact.replied),
    LeadNotContacted: (state, event) => project(state, event, contact.notContacted),
    CallTaskCreated: (state, event) => project(state, event, contact.taskCreated),
    CallTaskAssigned: (state, event) => project(state, event, contact.taskAssigned),
    CallTaskCompleted: (state, event) => project(state, event, contact.taskCompleted),
    CallTaskRequeued: (state, event) => project(state, event, contact.taskRequeued),
    CallTaskDeclined: (state, event) => project(state, event, contact.taskDeclined),
  },
});
