/** Streams of submissions for load: invented people, about 600 bytes each, paced or as fast as the broker takes them. */
import type { LeadSubmitted } from '@lead-flood/contracts';
import { createCodec, createKafkaClient, createProducer, createRegistry } from '@lead-flood/kafka';
import type { Everything } from '@lead-flood/local';
import { person } from '@lead-flood/test/sandbox';

const CHUNK = 100;

export function toSubmitted(seed: number, orgId: string, submittedAt: number): LeadSubmitted {
  const { firstName, lastName, fullName, email, phone, linkedinUrl, title, company } = person(seed);
  const { name, domain, countryIso, employees, industry } = company;
  return {
    orgId,
    source: 'load',
    externalId: `load-${seed}`,
    submittedAt,
    person: { firstName, lastName, fullName, email, phone, linkedinUrl, title },
    company: { name, domain, countryIso: /^[A-Z]{2}$/.test(countryIso) ? countryIso : null, employees, industry },
    icpId: null,
    projectId: null,
    consent: null,
    attributes: {},
    jobId: null,
  };
}

export type Stream = {
  readonly firstSeed: number;
  readonly count: number;
  readonly perSecond: number;
  /** Ends it earlier. */
  readonly until?: AbortSignal;
};

/** Sends leads at the pace; says how many, and how late the last one was against the pace. */
export async function streamLeads(
  { addresses }: Everything,
  { firstSeed, count, perSecond, until }: Stream,
): Promise<{ readonly sent: number; readonly lateMs: number }> {
  const codec = await createCodec(createRegistry(addresses.registry), ['LeadSubmitted']);
  const producer = await createProducer(
    createKafkaClient({ brokers: [addresses.kafka], clientId: 'load', log: () => undefined }),
  );
  const startedAt = performance.now();
  const chunk = Math.max(1, Math.min(CHUNK, Math.floor(perSecond / 20)));
  let lateMs = 0;
  let sent = 0;
  for (; sent < count && until?.aborted !== true; sent += chunk) {
    const now = Date.now();
    const leads = Array.from({ length: Math.min(chunk, count - sent) }, (_, i) =>
      toSubmitted(firstSeed + sent + i, addresses.org, now),
    );
    await producer.send(
      leads.map((lead) => ({
        topic: 'ingest.lead.v1',
        key: lead.externalId,
        headers: {},
        value: codec.encode('LeadSubmitted', lead),
      })),
    );
    const aheadMs = ((sent + chunk) / perSecond) * 1_000 - (performance.now() - startedAt);
    lateMs = Math.max(0, -aheadMs);
    if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
  }
  await producer.stop();
  return { sent: Math.min(sent, count), lateMs };
}
