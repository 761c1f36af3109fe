/** Topics are independent: whatever the order in which they are read, the document is the same in the end. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LeadStage } from '@lead-flood/contracts';
import { derivedId, systemClock } from '@lead-flood/kernel';
import type { AnyInput } from '@lead-flood/processor';
import { untyped } from '@lead-flood/processor';
import type { TestEvent } from '@lead-flood/testing';
import { sampleId, sampleOrg, testNow } from '@lead-flood/testing';
import type { LeadDocument } from '../src/domain/document.ts';
import { initialState } from '../src/domain/document.ts';
import { createFreshness } from '../src/freshness.ts';
import { createAnalytics } from '../src/processor.ts';
import { at, fullStory } from './story.ts';

const { decide } = untyped(createAnalytics(createFreshness(systemClock)));
const leadId = sampleId('lead');
const rank: Readonly<Record<LeadStage, number>> = {
  NEW: 0,
  ENRICHING: 1,
  ENRICH_FAILED: 2,
  ENRICHED: 3,
  OUTREACH_PENDING: 4,
  CONTACTED: 5,
  REPLIED: 6,
  CONVERTED: 7,
  DISQUALIFIED: 7,
};

function step(state: LeadDocument, { name, data }: TestEvent): LeadDocument {
  const id = derivedId(name, JSON.stringify(data));
  const event: AnyInput = {
    name,
    id,
    key: leadId,
    orgId: sampleOrg,
    version: null,
    correlationId: id,
    causationId: null,
    traceparent: null,
    source: 'test',
    publishedAt: testNow,
    data,
  };
  const decision = decide[name]?.(state, event, { now: testNow, facts: undefined, id: () => id });
  if (decision?.kind !== 'apply') throw new Error(`${name} was not applied`);
  return decision.state;
}

const run = (events: readonly TestEvent[]): LeadDocument[] => {
  const states = [initialState(leadId, sampleOrg)];
  for (const event of events) states.push(step(states.at(-1) ?? initialState(leadId, sampleOrg), event));
  return states;
};

const endOf = (events: readonly TestEvent[]): LeadDocument => ({
  ...(run(events).at(-1) ?? initialState(leadId, sampleOrg)),
  answered: undefined,
});

/** Every way to read these lists that keeps the order within each. */
const interleavings = (topics: readonly (readonly TestEvent[])[]): fc.Arbitrary<TestEvent[]> => {
  const turns = topics.flatMap((list, i) => list.map(() => i));
  return fc.shuffledSubarray(turns, { minLength: turns.length }).map((order) => {
    const next = topics.map(() => 0);
    return order.flatMap((i) => {
      const event = topics[i]?.[next[i] ?? 0];
      next[i] = (next[i] ?? 0) + 1;
      return event === undefined ? [] : [event];
    });
  });
};

const erasedStory = (): TestEvent[][] => {
  const [discovery = [], ...others] = fullStory(leadId);
  return [
    [...discovery, { name: 'LeadErased', data: { orgId: sampleOrg, leadId, erasedAt: at(9_000), reason: 'request' } }],
    ...others,
  ];
};

describe('interleaved topics', () => {
  it.each([
    ['a long life', fullStory(leadId)],
    ['a life that ends erased', erasedStory()],
    ['a life whose discovery was never heard of', fullStory(leadId).slice(1)],
  ])('of %s give the same document', (_title, topics) => {
    const expected = endOf(topics.flat());
    fc.assert(
      fc.property(interleavings(topics), (events) => {
        expect(endOf(events)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('[SM-02] never take a lead back to an earlier stage', () => {
    fc.assert(
      fc.property(interleavings(fullStory(leadId)), (events) => {
        const ranks = run(events).map((state) => rank[state.stage]);
        expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });

  it('leave a timeline in the order of time', () => {
    fc.assert(
      fc.property(interleavings(fullStory(leadId)), (events) => {
        const times = endOf(events).timeline.map(([time]) => time);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
      { numRuns: 100 },
    );
  });
});
