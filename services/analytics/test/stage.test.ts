/** What becomes of a lead's stage, given / when / then. */
import { describe, expect, it } from 'vitest';
import { statusOf } from '@lead-flood/contracts';
import type { Events, EventsOf, LeadStage } from '@lead-flood/contracts';
import { systemClock } from '@lead-flood/kernel';
import { sampleDiscovered, sampleEnriched, sampleId, sampleOrg, sampleScored, specify } from '@lead-flood/testing';
import type { InputOf, Specification } from '@lead-flood/testing';
import type { LeadDocument } from '../src/domain/document.ts';
import { initialState } from '../src/domain/document.ts';
import { createFreshness } from '../src/freshness.ts';
import type { AnalyticsProcessor } from '../src/processor.ts';
import { createAnalytics } from '../src/processor.ts';
import { at, message, rejection, reply } from './story.ts';

type Read = Pick<Events, EventsOf<AnalyticsProcessor['reads']>>;
const spec: Specification<LeadDocument, Read> = specify<
  LeadDocument,
  AnalyticsProcessor['reads'],
  AnalyticsProcessor['writes'],
  undefined,
  Record<never, never>
>(createAnalytics(createFreshness(systemClock)), undefined);
const leadId = sampleId('lead');
type Step = InputOf<Read>;

function after(...steps: readonly Step[]): LeadDocument {
  return steps.reduce(
    (state, step) => {
      const { decision } = spec.given(state).when(step[0], step[1]);
      if (decision.kind !== 'apply') throw new Error(`${step[0]} was not applied`);
      return decision.state;
    },
    initialState(leadId, sampleOrg),
  );
}

const discovered: Step = ['LeadDiscovered', sampleDiscovered()];
const enriched: Step = ['LeadEnriched', sampleEnriched()];
const failed: Step = ['LeadEnrichmentFailed', { ...sampleEnriched(), reason: 'no-hit', failedAt: at(-500) }];
const scored: Step = ['LeadScored', sampleScored()];
const scoredLow: Step = ['LeadScored', sampleScored({ value: 10, band: 'LOW' })];
const sent: Step = ['MessageSent', message(leadId, 1, at(100))];
const called = (outcome: string, completedAt: number) =>
  [
    'CallTaskCompleted',
    { orgId: sampleOrg, leadId, taskId: sampleId('task'), callerId: 'caller-1', outcome, completedAt },
  ] as const;

describe('the stage of a lead', () => {
  it.each<[string, readonly Step[], LeadStage]>([
    ['before anything is heard of', [], 'NEW'],
    ['that was discovered', [discovered], 'ENRICHING'],
    ['that was enriched', [discovered, enriched], 'ENRICHED'],
    ['of which nobody knew more', [discovered, failed], 'ENRICH_FAILED'],
    ['that was scored well', [discovered, enriched, scored], 'OUTREACH_PENDING'],
    ['that was scored LOW', [discovered, enriched, scoredLow], 'ENRICHED'],
    ['that was written to', [discovered, enriched, scored, sent], 'CONTACTED'],
    ['that was called', [discovered, enriched, scored, called('RETRYABLE_REJECTION', at(100))], 'CONTACTED'],
    ['that answered', [discovered, enriched, scored, sent, ['MessageReplied', reply(leadId, at(200))]], 'REPLIED'],
    [
      'whose machine answered',
      [discovered, sent, ['MessageReplied', reply(leadId, at(200), 'out-of-office')]],
      'CONTACTED',
    ],
    ['that wants to sign up', [discovered, sent, called('INTERESTED_SIGNUP_LINK_SENT', at(300))], 'CONVERTED'],
    ['that asked never to be called', [discovered, sent, called('NEVER_CONTACT_AGAIN', at(300))], 'DISQUALIFIED'],
  ])('[SM-02] %s is as decision C-03 says', (_title, steps, stage) => {
    expect(after(...steps).stage).toBe(stage);
  });

  it('[SM-01] status goes new, processing, enriched or failed with it', () => {
    const statuses = [[], [discovered], [discovered, enriched], [discovered, failed]].map((steps) =>
      statusOf(after(...steps).stage),
    );
    expect(statuses).toEqual(['new', 'processing', 'enriched', 'failed']);
  });

  it('[SM-02] DISQUALIFIED has a reason and is final', () => {
    const unsubscribed = after(discovered, sent, ['MessageReplied', reply(leadId, at(200), 'unsubscribe')]);
    expect(unsubscribed).toMatchObject({ stage: 'DISQUALIFIED', ending: { reason: 'unsubscribed' } });
    spec
      .given(unsubscribed)
      .when(...called('INTERESTED_SIGNUP_LINK_SENT', at(900)))
      .thenState({ stage: 'DISQUALIFIED' });
  });

  it('CONVERTED is final too: what comes later only counts', () => {
    const converted = after(discovered, called('INTERESTED_SIGNUP_LINK_SENT', at(100)));
    spec
      .given(converted)
      .when(...called('NEVER_CONTACT_AGAIN', at(200)))
      .thenState({ stage: 'CONVERTED' });
  });

  it('a failed enrichment can still become one: a later round that finds something counts', () => {
    const twice = after(discovered, failed, enriched);
    expect(twice).toMatchObject({ stage: 'ENRICHED', enrichment: { status: 'COMPLETED', reason: null } });
  });

  it('a score that arrives before its enrichment failed does not promise too much', () => {
    expect(after(scored, discovered).stage).toBe('ENRICHING');
    expect(after(scored, discovered, failed).stage).toBe('ENRICH_FAILED');
  });
});

describe('a document', () => {
  it('of an erased lead holds nothing of the person, and a late event does not bring it back', () => {
    const erased = after(
      discovered,
      enriched,
      ['LeadErased', { orgId: sampleOrg, leadId, erasedAt: at(50), reason: 'request' }],
      scored,
      enriched,
    );
    expect(JSON.stringify(erased)).not.toMatch(/Zo|Lindqvist|aurora\.se\.example"?,"phone|\+46/);
    expect(erased).toMatchObject({
      stage: 'DISQUALIFIED',
      ending: { reason: 'erased' },
      person: { given: {}, found: {} },
      customFields: {},
    });
  });

  it('refuses an event of another organisation', () => {
    spec
      .given(after(discovered))
      .when('LeadScored', sampleScored({ orgId: sampleId('other org') }))
      .thenRejects('ANL_ERR_FOREIGN_ORG');
  });

  it('of a refused submission is no lead', () => {
    const state = after(['LeadRejected', rejection(sampleId('submission'))]);
    expect(state).toMatchObject({ isLead: false, outcomes: { rejected: 1 }, source: 'csv' });
  });

  it('keeps the beginning and the end of a long story', () => {
    const steps = Array.from({ length: 100 }, (_, i): Step => ['MessageSent', message(leadId, i, at(i))]);
    const { timeline, outreach } = after(discovered, ...steps);
    expect(timeline).toHaveLength(40);
    expect(timeline[0]?.[1]).toBe('LeadDiscovered');
    expect(timeline.at(-1)?.[0]).toBe(at(99));
    expect(outreach.sent).toBe(100);
  });
});
