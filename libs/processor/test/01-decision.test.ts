/**
 * Chapter 01: a decision.
 *
 * A processor is a table of pure functions, one per event. Each takes what is known (the state) and what happened (the
 * event), and answers with a value. It never reads a clock, asks a database or throws to say no:
 *
 *   state ─┐                 ┌─ apply   new state, events to publish, reminders
 *          ├──▶ decide ──▶ ──┼─ skip    nothing to do, and why (becomes a metric)
 *   event ─┘                 └─ reject  can never be processed, and why (becomes a dead letter)
 *
 * So everything worth knowing about a service's rules can be tested as given / when / then, without a server.
 */
import { describe, expect, it } from 'vitest';
import { derivedId } from '@lead-flood/kernel';
import { sampleId, specify, testNow } from '@lead-flood/testing';
import { company, enriched, HOUR_MS, initial, tally } from './example.ts';

const spec = specify(tally, undefined);
const data = enriched('ada', 1).data;

describe('a decision', () => {
  it('applies: the state moves on and an event follows', () => {
    spec
      .given(initial())
      .when('LeadEnriched', data)
      .thenState({ count: 1 })
      .thenEmits({ name: 'LeadScored', data: { leadId: sampleId('ada'), value: 1 } });
  });

  it('depends on the inputs before it only through the state', () => {
    spec.givenInputs(['LeadEnriched', data], ['LeadEnriched', data]).when('LeadEnriched', data).thenState({ count: 3 });
  });

  it('skips what changes nothing, with a word for the metric', () => {
    spec
      .given(initial())
      .when('LeadEnriched', { ...data, confidence: 0 })
      .thenSkips('nothing_known');
  });

  it('rejects what can never be processed, with a code of a closed table', () => {
    spec
      .given(initial())
      .when('LeadEnriched', { ...data, emailStatus: 'invalid' })
      .thenRejects('EXA_ERR_INVALID_EMAIL');
  });

  it('asks for a reminder by giving an event and the time it is due', () => {
    const { decision } = spec.given(initial()).when('LeadEnriched', { ...data, ...company('Later AB') });
    expect(decision).toMatchObject({
      kind: 'apply',
      timers: [{ dueAt: testNow + HOUR_MS, event: { name: 'LeadScored', data: { value: 100 } } }],
    });
  });

  it('is the same for the same input: time and new ids come with the message', () => {
    const decide = () => spec.given(initial()).when('LeadEnriched', data, { id: sampleId('event') }).decision;
    expect(decide()).toEqual(decide());
    expect(derivedId(sampleId('event'), 'tally', 'out', 0)).toBe(derivedId(sampleId('event'), 'tally', 'out', 0));
  });
});
