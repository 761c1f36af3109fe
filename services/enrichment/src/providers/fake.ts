/** The built-in provider of the walking skeleton (EN-02): waits, then answers what was asked as found. Needs no network. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { TransientError } from '@lead-flood/kernel';
import type { EnrichmentAdapter } from './adapter.ts';
import { isPersonalAddress } from './mailbox.ts';

export type FakeOptions = {
  /** Default 2,000, EN-02's sleep. */
  readonly delayMs?: number;
};

export function createFake({ delayMs = 2_000 }: FakeOptions = {}): EnrichmentAdapter {
  return {
    name: 'fake',
    canAnswer: () => true,
    async find({ person, company }, { signal }) {
      try {
        await sleepFor(delayMs, undefined, { signal });
      } catch (cause) {
        throw new TransientError('PRV_ERR_ABORTED', 'given up by the caller', { cause });
      }
      return {
        status: 'hit',
        email: person.email,
        emailStatus: 'unknown',
        emailConfidence: person.email === null ? 0 : 0.5,
        phone: person.phone,
        linkedinUrl: person.linkedinUrl,
        title: person.title ?? 'Head of Sales',
        fullName: person.fullName,
        company: { ...company, industry: company.industry ?? 'software', employees: company.employees ?? 50 },
        confidence: 0.7,
        personalEmail: isPersonalAddress(person.email, company.domain),
        costMicros: 0,
        latencyMs: delayMs,
      };
    },
  };
}
