/** Consent from every door to where it is shown and asked. Real gateway, real owners. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LeadView } from '@lead-flood/contracts';
import { randomId } from '@lead-flood/kernel';
import { eventually, samplePerson, sampleSubmitted } from '@lead-flood/testing';
import type { Doors } from './open-doors.ts';
import { csvForm, openDoors } from './open-doors.ts';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors.close());

type Page<T> = { readonly items: readonly T[] };

const seen = (email: string): Promise<LeadView> =>
  eventually(`${email} with its consent`, async () => {
    const { body } = await doors.ask<Page<LeadView>>(`/v1/leads?q=${encodeURIComponent(email)}`);
    const [lead] = body.items;
    return lead !== undefined && lead.consent !== null && lead;
  });

it('[GW-05] is kept and shown, through whatever door it comes', async () => {
  const run = randomId().slice(0, 8);
  const email = (door: string): string => `${door}.${run}@aurora.se.example`;
  const consent = { basis: 'customer since 2024', note: 'by contract' };
  const one = await doors.ask<{ leadId: string }>('/v1/leads', { json: { email: email('rest'), consent } });
  expect((await doors.ask<LeadView>(`/v1/leads/${one.body.leadId}`)).body.consent).toMatchObject(consent);
  await doors.ask('/v1/leads/bulk', { json: [{ email: email('bulk'), consent }] });
  await doors.ask('/v1/uploads/leads', {
    body: csvForm(`email,Legal basis,Consent note\n${email('csv')},${consent.basis},${consent.note}\n`),
  });
  await doors.publish({
    name: 'LeadSubmitted',
    data: sampleSubmitted({
      orgId: doors.product.seeds.orgId,
      externalId: run,
      person: samplePerson({ email: email('event'), phone: null, linkedinUrl: null }),
      consent,
    }),
  });
  for (const door of ['rest', 'bulk', 'csv', 'event'])
    expect((await seen(email(door))).consent).toMatchObject({ ...consent, refuses: false });
});

it('[OU-20] that says no is asked before anybody writes or calls', async () => {
  const email = `no.${randomId().slice(0, 8)}@aurora.se.example`;
  const json = { email, phone: '+46846500421', consent: { basis: 'opted out' } };
  const { body } = await doors.ask<{ leadId: string }>('/v1/leads', { json });
  const lead = await eventually('the lead to be left alone', async () => {
    const { body: view } = await doors.ask<LeadView>(`/v1/leads/${body.leadId}`);
    const reason = view.outreach.notContactedReason ?? view.calls.declinedReason;
    return view.score !== null && reason !== null && view;
  });
  expect(lead).toMatchObject({ consent: { basis: 'opted out', refuses: true }, outreach: { messagesSent: 0 } });
  expect(lead.calls.tasks).toBe(0);
});
