/**
 * Asks providers for one lead as the plan says. Every question is a journalled step: what was answered once is never
 * asked, and never paid, again. A provider that fails is an attempt without an answer; the others go on.
 */
import type { LeadDiscovered } from '@lead-flood/contracts';
import { CodedError, TransientError } from '@lead-flood/kernel';
import type { Step } from '@lead-flood/processor';
import type { Answers, Attempt, Finding, Policy, ProviderFacts } from './domain/finding.ts';
import { affordable, isEnough, plan, spentMicros } from './domain/plan.ts';
import type { EnrichmentAdapter, Question } from './providers/adapter.ts';

export type WaterfallSettings = {
  readonly adapters: readonly EnrichmentAdapter[];
  readonly policy: Policy;
  readonly budgetMicros: number;
  readonly facts: (name: string) => ProviderFacts;
  readonly now: () => number;
};

export type Waterfall = (lead: LeadDiscovered, step: Step) => Promise<Answers>;

export function createWaterfall(settings: WaterfallSettings): Waterfall {
  const byName = new Map<string, EnrichmentAdapter>(settings.adapters.map((adapter) => [adapter.name, adapter]));
  return async (lead, step) => {
    const question: Question = { person: lead.person, company: lead.company };
    const able = settings.adapters
      .filter((adapter) => adapter.canAnswer(question))
      .map((adapter) => settings.facts(adapter.name));
    const attempts: Attempt[] = [];
    const findings: Finding[] = [];
    let slowDown: TransientError | null = null;
    let outage: TransientError | null = null;
    for (const group of plan(settings.policy, able)) {
      const names = affordable(
        group,
        (name) => settings.facts(name).priceMicros,
        settings.budgetMicros - spentMicros(attempts),
      );
      const asked = await Promise.all(
        names.map(async (name) => {
          const adapter = byName.get(name);
          return adapter === undefined ? null : ask(adapter, question, step, settings.now);
        }),
      );
      for (const answer of asked) {
        if (answer === null) continue;
        attempts.push(answer.attempt);
        if (answer.finding !== null) findings.push(answer.finding);
        if (answer.slowDown !== null) slowDown = answer.slowDown;
        outage = answer.outage ?? outage;
      }
      if (findings.some(isEnough)) break;
    }
    // EN-07: a rate limit passes, so the whole lead comes back later; the answers it has already are in the journal.
    if (slowDown !== null && !findings.some(isEnough)) throw slowDown;
    // Nobody could be reached: that says nothing about the person, so the lead waits for the outage to end.
    if (outage !== null && attempts.every((attempt) => attempt.status === 'failed')) throw outage;
    return { attempts, findings, observedAt: settings.now() };
  };
}

type Asked = {
  readonly attempt: Attempt;
  readonly finding: Finding | null;
  readonly slowDown: TransientError | null;
  readonly outage: TransientError | null;
};

/** Theirs or ours: the provider would answer, only not now. */
const SLOWER: ReadonlySet<string> = new Set(['PRV_ERR_RATE_LIMITED', 'PRV_ERR_QUOTA']);

async function ask(adapter: EnrichmentAdapter, question: Question, step: Step, now: () => number): Promise<Asked> {
  const provider = adapter.name;
  const startedAt = now();
  try {
    const answer = await step(`ask.${provider}`, (ctx) => adapter.find(question, ctx));
    if (answer.status !== 'hit') {
      const { status, latencyMs } = answer;
      return {
        attempt: { provider, status, confidence: null, latencyMs: Math.round(latencyMs), costMicros: 0 },
        finding: null,
        slowDown: null,
        outage: null,
      };
    }
    const { status: _, latencyMs, costMicros, ...found } = answer;
    return {
      attempt: { provider, status: 'hit', confidence: answer.confidence, latencyMs: Math.round(latencyMs), costMicros },
      finding: { provider, ...found },
      slowDown: null,
      outage: null,
    };
  } catch (error) {
    if (!(error instanceof CodedError) || error.code.startsWith('PGS_')) throw error;
    const limited = error instanceof TransientError && SLOWER.has(error.code);
    return {
      attempt: {
        provider,
        status: limited ? 'rate-limited' : 'failed',
        confidence: null,
        latencyMs: now() - startedAt,
        costMicros: 0,
      },
      finding: null,
      slowDown: limited ? error : null,
      outage: error instanceof TransientError && !limited ? error : null,
    };
  }
}
