/** On what ground a person may be contacted: kept with them, told when it changes, and a refusal stands. */
import { describe, expect, it } from 'vitest';
import type { LeadSubmitted } from '@lead-flood/contracts';
import { sampleId, sampleSubmitted, specify } from '@lead-flood/testing';
import type { Facts } from '../src/lead/domain/lead.ts';
import { normalise } from '../src/lead/normalisation.ts';
import { discovery } from '../src/lead/processor.ts';

const leadId = sampleId('lead');
const submit = (n: number, basis: string | null, more: Partial<LeadSubmitted> = {}): LeadSubmitted =>
  sampleSubmitted({
    externalId: `consent-${n}`,
    submittedAt: n,
    source: `list-${n}`,
    consent: basis === null ? null : { basis, note: null },
    ...more,
  });
const facts: Facts = {
  leadId,
  submission: normalise(submit(1, null)),
  naturalKey: 'crm/1',
  repeat: false,
  merged: [],
  icp: null,
};
const lead = specify(discovery, facts);

describe('consent', () => {
  it('[GW-05] is kept with a new lead, and told with who said so', () => {
    lead
      .givenInputs()
      .when('LeadSubmitted', submit(1, 'Newsletter double opt-in'))
      .thenEmits(
        { name: 'LeadDiscovered', data: { leadId } },
        {
          name: 'ConsentRecorded',
          data: { leadId, basis: 'Newsletter double opt-in', source: 'list-1', refuses: false, givenAt: 1 },
        },
      );
  });

  it('[GW-05] a lead without it tells of none', () => {
    lead.givenInputs().when('LeadSubmitted', submit(1, null)).thenEmits({ name: 'LeadDiscovered', data: { leadId } });
  });

  it('[GW-05] a later one replaces it, also where nothing else is new; the same again is not told twice', () => {
    const first = submit(1, 'legitimate interest');
    lead
      .givenInputs(['LeadSubmitted', first])
      .when('LeadSubmitted', submit(2, 'customer'))
      .thenEmits(
        { name: 'LeadDuplicated', data: { leadId } },
        { name: 'ConsentRecorded', data: { basis: 'customer', givenAt: 2 } },
      );
    lead
      .givenInputs(['LeadSubmitted', first])
      .when('LeadSubmitted', submit(2, 'legitimate interest'))
      .thenEmits({ name: 'LeadDuplicated', data: { leadId } });
  });

  it.each([
    'refused',
    'Opted-Out',
    'opt_out',
    'do not contact',
    'withdrawn',
    'FALSE',
    '0',
    'unsubscribed',
    'No.',
    'Nein',
    'widerrufen',
    'Keine Einwilligung',
    'refusé',
    'Désinscrit',
    'Não',
    'återkallat',
  ])('[GW-05] %s says that the person may not be contacted', (basis) => {
    lead
      .givenInputs()
      .when('LeadSubmitted', submit(1, basis))
      .thenEmits({ name: 'LeadDiscovered', data: {} }, { name: 'ConsentRecorded', data: { basis, refuses: true } });
  });

  it.each(['no objection', 'keine Werbung per Post, sonst ja', 'opt-in', 'yes', 'Ja', 'Kunde seit 2019'])(
    '[GW-05] %s is a ground like any other',
    (basis) => {
      lead
        .givenInputs()
        .when('LeadSubmitted', submit(1, basis))
        .thenEmits({ name: 'LeadDiscovered', data: {} }, { name: 'ConsentRecorded', data: { basis, refuses: false } });
    },
  );

  it('[GW-05] a refusal stands, whatever a later list says', () => {
    const { decision } = lead
      .givenInputs(['LeadSubmitted', submit(1, 'refused')])
      .when('LeadSubmitted', submit(2, 'opt-in'))
      .thenEmits({ name: 'LeadDuplicated', data: { leadId } });
    expect(decision).toMatchObject({ state: { consent: { basis: 'refused', refuses: true, source: 'list-1' } } });
  });
});
