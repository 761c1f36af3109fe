/** What enrichment is fed with where it is broken: every event of discovery's topic, of several leads. */
import { join } from 'node:path';
import type { TestEvent } from '@lead-flood/testing';
import { everyDiscoveryEvent, sampleDiscovered, sampleId, samplePerson } from '@lead-flood/testing';

export const at = { schema: 'enrichment', migrations: join(import.meta.dirname, '../migrations') };
/** How fast the other side was is no part of what it said. */
export const ignore = { enrichment_attempts: ['latency_ms'], provider_statistics: [] };

/** Several events a lead, of every kind that the topic carries; the leads' first ones stand side by side. */
const histories = Array.from({ length: 8 }, (_, i) => {
  const leadId = sampleId('enriched', i);
  const person = samplePerson({ email: `person${i}@aurora.se.example`, phone: null, linkedinUrl: null });
  return everyDiscoveryEvent(leadId, sampleDiscovered({ leadId, person }));
});
export const inputs: readonly TestEvent[] = [0, 1, 2, 3, 4, 5].flatMap((n) =>
  histories.flatMap((history) => history.slice(n, n + 1)),
);
