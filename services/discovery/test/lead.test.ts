/** What becomes of a submission, given / when / then. */
import { describe, expect, it } from 'vitest';
import { sampleId, samplePerson, sampleSubmitted, specify } from '@lead-flood/testing';
import type { Facts } from '../src/lead/domain/lead.ts';
import { linkedinSlug, normalise, normaliseDomain, normalisePhone } from '../src/lead/normalisation.ts';
import { emailKey, normaliseEmail } from '../src/lead/domain/email.ts';
import { matchIcp } from '../src/lead/domain/icp-match.ts';
import { discovery } from '../src/lead/processor.ts';

const leadId = sampleId('lead');
const factsFor = (data = sampleSubmitted(), overrides: Partial<Facts> = {}): Facts => ({
  leadId,
  submission: normalise(data),
  naturalKey: 'crm/crm-1',
  repeat: false,
  merged: [],
  icp: null,
  ...overrides,
});
const spec = (facts: Facts) => specify(discovery, facts);

describe('a submission', () => {
  it('[DI-25] of somebody unknown becomes a lead and a discovery record', () => {
    const data = sampleSubmitted();
    spec(factsFor())
      .givenInputs()
      .when('LeadSubmitted', data)
      .thenEmits({ name: 'LeadDiscovered', data: { leadId, icpMatch: 'none' } })
      .thenState({ kind: 'known', submissions: 1 });
  });

  it('[DI-26] of somebody known who brings nothing new is a DUPLICATE', () => {
    const data = sampleSubmitted();
    const after = spec(factsFor()).givenInputs(['LeadSubmitted', data]).when('LeadSubmitted', data);
    after.thenEmits({ name: 'LeadDuplicated', data: { leadId, matchedBy: ['email', 'phone', 'linkedin'] } });
    expect(after.decision).toMatchObject({ state: { last: { outcome: 'DUPLICATE' } } });
  });

  it('of somebody known who brings a phone number is news, and says which', () => {
    const first = sampleSubmitted({ person: samplePerson({ phone: null }) });
    const facts = factsFor(sampleSubmitted());
    spec(facts)
      .given({ ...knownState(first) })
      .when('LeadSubmitted', sampleSubmitted())
      .thenEmits({ name: 'LeadUpdated', data: { changed: ['person.phone'] } });
  });

  it('[DI-26] with a bad address is REJECTED with the reason', () => {
    const data = sampleSubmitted({ person: samplePerson({ email: 'zoe at aurora' }) });
    spec(factsFor(data))
      .givenInputs()
      .when('LeadSubmitted', data)
      .thenEmits({
        name: 'LeadRejected',
        data: { reasons: [{ code: 'invalid_email', field: 'person.email', detail: 'is not an e-mail address' }] },
      });
  });

  it('without any strong key is refused: nobody could recognise the person again', () => {
    const data = sampleSubmitted({ person: samplePerson({ email: null, phone: null, linkedinUrl: null }) });
    expect(normalise(data).problems).toMatchObject([{ code: 'missing_identity' }]);
  });

  it('whose keys belong to two leads merges them and says by what', () => {
    const data = sampleSubmitted();
    const mergedLeadId = sampleId('other');
    spec(factsFor(data, { merged: [mergedLeadId] }))
      .given(knownState(data))
      .when('LeadSubmitted', data)
      .thenEmits(
        { name: 'LeadMerged', data: { mergedLeadId, evidence: ['email', 'phone', 'linkedin'] } },
        { name: 'LeadDuplicated', data: {} },
      );
  });

  it('that was answered before is skipped', () => {
    spec(factsFor(sampleSubmitted(), { repeat: true }))
      .givenInputs()
      .when('LeadSubmitted', sampleSubmitted())
      .thenSkips('repeated_submission');
  });

  it('[GW-06] by REST for somebody known is refused', () => {
    const data = sampleSubmitted();
    spec(factsFor()).given(knownState(data)).when('CreateLead', data).thenRejects('DSC_ERR_LEAD_EXISTS');
  });
});

function knownState(data: ReturnType<typeof sampleSubmitted>) {
  const { decision } = spec(factsFor(data)).givenInputs().when('LeadSubmitted', data);
  if (decision.kind !== 'apply') throw new Error('expected a lead');
  return decision.state;
}

describe('the refusal of a lead that is known', () => {
  const detailOf = (repeat: boolean, given: Parameters<ReturnType<typeof spec>['given']>[0]): string => {
    const { decision } = spec(factsFor(sampleSubmitted(), { repeat }))
      .given(given)
      .when('CreateLead', sampleSubmitted());
    return decision.kind === 'reject' ? decision.detail : '';
  };

  it('names the lead that the person is known as', () => {
    expect(detailOf(false, knownState(sampleSubmitted()))).toContain(leadId);
  });

  it('names none where only source and external id are known: nobody looked for the lead behind them', () => {
    expect(detailOf(true, { kind: 'unknown' })).toMatch(/handed in before/);
    expect(detailOf(true, { kind: 'unknown' })).not.toContain(leadId);
  });
});

describe('normalisation', () => {
  it.each([
    [' Zoe@Aurora.SE.example ', 'zoe@aurora.se.example'],
    ['mailto:zoe@aurora.se.example', 'zoe@aurora.se.example'],
    ['<zoe@aurora.se.example>', 'zoe@aurora.se.example'],
    ['zoe@aurora', null],
    ['zoe..l@aurora.example', null],
    ['a@b@c.example', null],
    ['zoe@aurora.example\r\nBcc: x@y.example', null],
  ])('reads the address %j as %j', (text, expected) => {
    expect(normaliseEmail(text)).toBe(expected);
  });

  it('[C-17] compares mailboxes without the tag behind the plus sign', () => {
    expect(emailKey('zoe+crm@aurora.example')).toBe('zoe@aurora.example');
    expect(emailKey('+@aurora.example')).toBe('+@aurora.example');
  });

  it.each([
    ['020 7946 0123', 'GB', '+442079460123'],
    ['+46 8 465 004 12', null, '+46846500412'],
    ['(212) 555-0123', 'US', '+12125550123'],
    ['12', 'US', null],
    ['not a number', null, null],
  ])('reads the number %j in %j as %j', (text, country, expected) => {
    expect(normalisePhone(text, country)).toBe(expected);
  });

  it.each([
    ['https://se.linkedin.com/in/Zoe-L/?trk=abc', 'zoe-l'],
    ['linkedin.com/in/zo%C3%AB', 'zoë'],
    ['https://www.linkedin.com/company/aurora', null],
    ['https://linkedin.com.evil.example/in/zoe', null],
  ])('reads the profile %j as %j', (text, expected) => {
    expect(linkedinSlug(text)).toBe(expected);
  });

  it('finds the registrable domain', () => {
    expect(normaliseDomain('https://www.shop.aurora.co.uk/about')).toBe('aurora.co.uk');
  });
});

describe('an ICP', () => {
  const icp = {
    id: sampleId('icp'),
    version: 1,
    profile: {
      name: 'Banks',
      targetIndustries: ['financial-services'],
      targetCountries: ['AE'],
      minCompanySize: 50,
      maxCompanySize: null,
      requiredTechnologies: [],
    },
  };
  const company = {
    name: 'X',
    domain: null,
    countryIso: 'AE',
    employees: 80,
    industry: 'Diversified Financial Services',
  };

  it('matches a company inside its filters, and one of which little is known', () => {
    expect(matchIcp(company, icp)).toBe('match');
    expect(matchIcp({ ...company, industry: null, employees: null }, icp)).toBe('match');
  });

  it.each([{ countryIso: 'SE' }, { employees: 10 }, { industry: 'Forestry' }])('misses one outside: %j', (outside) => {
    expect(matchIcp({ ...company, ...outside }, icp)).toBe('miss');
  });
});
