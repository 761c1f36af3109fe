/** Whom enrichment asks, when it stops, and what it makes of the answers. */
import { describe, expect, it } from 'vitest';
import { TransientError } from '@lead-flood/kernel';
import type { Step } from '@lead-flood/processor';
import { sampleCompany, sampleDiscovered, samplePerson, specifyEffect } from '@lead-flood/testing';
import type { Enrichment } from '../src/domain/enrichment.ts';
import type { Answers, Attempt, Finding, ProviderFacts } from '../src/domain/finding.ts';
import { affordable, confidenceEnough, isEnough, plan } from '../src/domain/plan.ts';
import { professionalOnly } from '../src/domain/region.ts';
import type { EnrichmentAdapter, Finding as Answer } from '../src/providers/adapter.ts';
import type { EnrichmentProcessor } from '../src/processor.ts';
import { createEnrichment } from '../src/processor.ts';
import { createWaterfall } from '../src/waterfall.ts';

const noCompany = { name: null, domain: null, countryIso: null, employees: null, industry: null };
const finding = (overrides: Partial<Finding> = {}): Finding => ({
  provider: 'apollo',
  email: 'zoe.lindqvist@aurora.se.example',
  emailStatus: 'verified',
  emailConfidence: 0.95,
  phone: null,
  linkedinUrl: null,
  title: null,
  fullName: null,
  company: noCompany,
  confidence: 0.9,
  personalEmail: false,
  ...overrides,
});
const answers = (...findings: Finding[]): Answers => ({
  findings,
  observedAt: 1,
  attempts: findings.map(({ provider, confidence }) => ({
    provider,
    status: 'hit',
    confidence,
    latencyMs: 5,
    costMicros: 20_000,
  })),
});

describe('the plan', () => {
  const facts = (name: string, hits: number, priceMicros = 10_000): ProviderFacts => ({
    name,
    hits,
    asked: 100,
    priceMicros,
  });
  const many = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name, i) => facts(name, 90 - i * 10));

  it('[EN-08] asks up to five at once, the ones with the most hits so far', () => {
    expect(plan('parallel', many)[0]).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('[EN-10] then asks the rest one after the other', () => {
    expect(plan('parallel', many).slice(1)).toEqual([['f'], ['g']]);
  });

  it('sequential asks the cheapest expected hit first', () => {
    expect(
      plan('sequential', [facts('dear', 90, 300_000), facts('cheap', 50, 10_000), facts('poor', 5, 10_000)]),
    ).toEqual([['cheap'], ['poor'], ['dear']]);
  });

  it('[EN-09] stops at a verified address of 0.7 or more', () => {
    expect(confidenceEnough).toBe(0.7);
    expect(isEnough(finding({ confidence: 0.7 }))).toBe(true);
    expect(isEnough(finding({ confidence: 0.69 }))).toBe(false);
    expect(isEnough(finding({ emailStatus: 'risky' }))).toBe(false);
  });

  it('asks nobody whom the rest of the budget does not pay for', () => {
    expect(affordable(['a', 'b', 'c'], (name) => (name === 'b' ? 500 : 100), 250)).toEqual(['a', 'c']);
  });
});

describe('the waterfall', () => {
  const asked: string[] = [];
  const hit = (email: string, confidence: number): Answer => ({
    ...finding({ email, confidence }),
    status: 'hit',
    costMicros: 20_000,
    latencyMs: 3,
    emailStatus: 'verified',
  });
  const adapter = (name: EnrichmentAdapter['name'], find: () => Promise<Answer>): EnrichmentAdapter => ({
    name,
    canAnswer: () => true,
    find: () => {
      asked.push(name);
      return find();
    },
  });
  const miss = (): Promise<Answer> => Promise.resolve({ status: 'miss', latencyMs: 2, costMicros: 0 });
  const step: Step = Object.assign(
    <T>(_name: string, call: (ctx: { signal: AbortSignal; idempotencyKey: string }) => Promise<T>): Promise<T> =>
      call({ signal: new AbortController().signal, idempotencyKey: 'k' }),
    {
      once: () => Promise.reject(new Error('lookups are repeatable')),
    },
  );
  const run = (adapters: EnrichmentAdapter[], budgetMicros = 1_000_000): Promise<Answers> => {
    asked.length = 0;
    const waterfall = createWaterfall({
      adapters,
      policy: 'sequential',
      budgetMicros,
      now: () => 5,
      facts: (name) => ({ name, priceMicros: name === 'apollo' ? 1 : name === 'hunter' ? 2 : 3, asked: 0, hits: 0 }),
    });
    return waterfall(sampleDiscovered(), step);
  };
  const apollo = (find: () => Promise<Answer>): EnrichmentAdapter => adapter('apollo', find);
  const hunter = (find: () => Promise<Answer>): EnrichmentAdapter => adapter('hunter', find);

  it('asks the next one only when the last answer was not enough', async () => {
    const good = (): Promise<Answer> => Promise.resolve(hit('a@b.example', 0.9));
    await run([apollo(good), hunter(good)]);
    expect(asked).toEqual(['apollo']);
    await run([apollo(miss), hunter(good)]);
    expect(asked).toEqual(['apollo', 'hunter']);
  });

  it('[EN-12] keeps every attempt with provider, status, confidence and cost', async () => {
    const { attempts } = await run([apollo(miss), hunter(() => Promise.resolve(hit('a@b.example', 0.8)))]);
    expect(attempts).toEqual([
      { provider: 'apollo', status: 'miss', confidence: null, latencyMs: 2, costMicros: 0 },
      { provider: 'hunter', status: 'hit', confidence: 0.8, latencyMs: 3, costMicros: 20_000 },
    ]);
  });

  it('[EN-07] a rate limit brings the lead back later; any other failure is an attempt without an answer', async () => {
    const limited = apollo(() => Promise.reject(new TransientError('PRV_ERR_RATE_LIMITED', 'slow down')));
    await expect(run([limited, hunter(miss)])).rejects.toMatchObject({ code: 'PRV_ERR_RATE_LIMITED' });
    const windowFull = apollo(() => Promise.reject(new TransientError('PRV_ERR_QUOTA', 'our own window is full')));
    await expect(run([windowFull, hunter(miss)])).rejects.toMatchObject({ code: 'PRV_ERR_QUOTA' });
    const broken = apollo(() => Promise.reject(new TransientError('PRV_ERR_TIMEOUT', 'no answer')));
    await expect(run([broken, hunter(miss)])).resolves.toMatchObject({
      findings: [],
      attempts: [
        { provider: 'apollo', status: 'failed' },
        { provider: 'hunter', status: 'miss' },
      ],
    });
  });

  it('[EN-04] an outage of everybody who was asked brings the lead back later', async () => {
    const down = (): Promise<Answer> => Promise.reject(new TransientError('PRV_ERR_TIMEOUT', 'no answer'));
    await expect(run([apollo(down), hunter(down)])).rejects.toMatchObject({ code: 'PRV_ERR_TIMEOUT' });
  });

  it('spends no more than the budget of the lead', async () => {
    await run([apollo(miss), hunter(miss)], 1);
    expect(asked).toEqual(['apollo']);
  });
});

describe('an enriched lead', () => {
  const processor = createEnrichment(() => Promise.reject(new Error('not asked')), {
    inFlightMax: 1,
    deadlineMs: 1_000,
  });
  const spec = specifyEffect<
    Enrichment,
    EnrichmentProcessor['reads'],
    EnrichmentProcessor['writes'],
    Answers,
    undefined
  >(processor, undefined);
  const lead = sampleDiscovered({ person: samplePerson({ phone: null, title: null }) });
  const enriched = (given: Answers, discovered = lead) =>
    spec.givenInputs().when('LeadDiscovered', discovered, { result: given });

  it('[EN-11] takes the best answer, fills its gaps and becomes contact points', () => {
    const worse = finding({
      provider: 'hunter',
      phone: '+46846500499',
      title: 'Buyer',
      emailStatus: 'risky',
      emailConfidence: 0.4,
      confidence: 0.5,
    });
    const best = finding({ phone: '+46846500412' });
    const when = enriched(answers(worse, best));
    when.thenEmits({
      name: 'LeadEnriched',
      data: {
        emailStatus: 'verified',
        confidence: 0.95,
        person: { ...lead.person, phone: '+46846500412', title: 'Buyer' },
      },
    });
    expect(when.decision).toMatchObject({
      state: {
        status: 'COMPLETED',
        contacts: [{ kind: 'email', status: 'verified', provider: 'apollo' }, { kind: 'phone' }, { kind: 'linkedin' }],
      },
    });
  });

  it('says of every filled field which provider it came from', () => {
    const { decision } = enriched(answers(finding({ phone: '+46846500412', provider: 'peopledatalabs' })));
    expect(decision).toMatchObject({
      emit: [
        {
          data: {
            fields: expect.arrayContaining([
              expect.objectContaining({ name: 'person.phone', provider: 'peopledatalabs' }),
            ]),
          },
        },
      ],
    });
  });

  it('keeps what the lead brought: a provider does not overwrite it', () => {
    enriched(answers(finding({ fullName: 'Somebody Else' }))).thenEmits({
      name: 'LeadEnriched',
      data: { person: { ...lead.person, phone: null } },
    });
  });

  it('[EN-13] uses no private mailbox where only professional ones may be used', () => {
    const privately = answers(finding({ email: 'zoe@home.example', personalEmail: true, phone: null }));
    const swede = sampleDiscovered({ person: samplePerson({ email: null }) });
    enriched(privately, swede).thenEmits({ name: 'LeadEnrichmentFailed', data: { reason: 'filtered' } });
    const american = sampleDiscovered({
      person: samplePerson({ email: null }),
      company: sampleCompany({ countryIso: 'US' }),
    });
    enriched(privately, american).thenEmits({ name: 'LeadEnriched', data: { emailStatus: 'verified' } });
    expect(['CA', 'GB', 'AU', 'DE', 'CH', 'NO'].every(professionalOnly)).toBe(true);
    expect(professionalOnly('US')).toBe(false);
  });

  it('says that the person objected, where a provider may not give them out and nobody else knows more', () => {
    const restricted: Attempt = {
      provider: 'hunter',
      status: 'restricted',
      confidence: null,
      latencyMs: 3,
      costMicros: 0,
    };
    enriched({ ...answers(), attempts: [restricted] }).thenEmits({
      name: 'LeadEnrichmentFailed',
      data: { reason: 'restricted', attempts: [restricted] },
    });
    enriched({ ...answers(finding()), attempts: [restricted] }).thenEmits({
      name: 'LeadEnriched',
      data: { attempts: [restricted] },
    });
  });

  it('[EN-16] without any answer goes on with what was discovered', () => {
    enriched(answers()).thenEmits({
      name: 'LeadEnrichmentFailed',
      data: { reason: 'no-hit', person: lead.person, company: lead.company },
    });
  });

  it('[EN-06] is PENDING, then COMPLETED or FAILED, and [EN-03] is enriched once', () => {
    expect(processor.initial('k', 'o')).toMatchObject({ status: 'PENDING' });
    const done = enriched(answers(finding()));
    done.thenState({ status: 'COMPLETED' });
    enriched(answers()).thenState({ status: 'FAILED' });
    if (done.decision.kind !== 'apply') throw new Error('expected a decision');
    spec
      .given(done.decision.state)
      .when('LeadDiscovered', lead, { result: answers(finding()) })
      .thenSkips('already_enriched');
  });
});
