/** What providers say, as the domain sees it: no HTTP, no keys. */
import type { Company } from '@lead-flood/contracts';

export type Policy = 'parallel' | 'sequential';

export type ProviderFacts = {
  readonly name: string;
  readonly priceMicros: number;
  readonly asked: number;
  readonly hits: number;
};

export type Finding = {
  readonly provider: string;
  readonly email: string | null;
  readonly emailStatus: string;
  readonly emailConfidence: number;
  readonly phone: string | null;
  readonly linkedinUrl: string | null;
  readonly title: string | null;
  readonly fullName: string | null;
  readonly company: Company;
  readonly confidence: number;
  readonly personalEmail: boolean;
};

export type Attempt = {
  readonly provider: string;
  readonly status: 'hit' | 'miss' | 'restricted' | 'rate-limited' | 'failed';
  readonly confidence: number | null;
  readonly latencyMs: number;
  readonly costMicros: number;
};

/** All that was asked for one lead. */
export type Answers = {
  readonly attempts: readonly Attempt[];
  readonly findings: readonly Finding[];
  readonly observedAt: number;
};
