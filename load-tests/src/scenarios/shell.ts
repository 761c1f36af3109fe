/** The batch shell alone: one processor (scoring) with state and outbox, working off a backlog while its relay publishes. */
import { z } from 'zod';
import type { LeadEnriched } from '@lead-flood/contracts';
import { createCodec, createKafkaClient, createProducer, createRegistry, headerNames } from '@lead-flood/kafka';
import { derivedId } from '@lead-flood/kernel';
import type { Everything } from '@lead-flood/local';
import { createDatabase, sql } from '@lead-flood/postgres';
import { toSubmitted } from '../submissions.ts';

export type ShellResult = { readonly messages: number; readonly perSecond: number };

const CHUNK = 500;

/** The service is stopped while the backlog is written, so that only its own work is measured. */
export async function runShell(everything: Everything, messages: number): Promise<ShellResult> {
  const scoring = everything.product.processes.get('scoring');
  if (scoring === undefined) throw new Error('scoring does not run');
  const others = ['outreach', 'call-allocation', 'analytics'].map((name) => everything.product.processes.get(name));
  await scoring.stop();
  await Promise.all(others.map((process) => process?.stop()));
  await fillBacklog(everything, messages);
  const database = await createDatabase({
    url: everything.addresses.postgres,
    schema: 'scoring',
    applicationName: 'load-tests',
    connectionsMax: 1,
  });
  const position = (): Promise<number> =>
    database.oneFirst(
      sql.type(
        z.object({ sum: z.int() }),
      )`select coalesce(sum(next_offset), 0)::int8 as sum from positions where consumer_group = 'scoring'`,
    );
  const before = await position();
  const restarting = scoring.restart();
  const curve: { at: number; done: number }[] = [];
  while ((curve.at(-1)?.done ?? 0) < messages) {
    const done = (await position()) - before;
    curve.push({ at: performance.now(), done });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await restarting;
  await Promise.all(others.map((process) => process?.restart()));
  await database.end();
  // From a fifth to the end: the first part is the start of the process and its compiler.
  const first = curve.find(({ done }) => done >= messages / 5);
  const last = curve.at(-1);
  if (first === undefined || last === undefined || last === first) throw new Error('too few messages to measure');
  return { messages, perSecond: ((last.done - first.done) / (last.at - first.at)) * 1_000 };
}

/** From `first` on, so that a second backlog holds other leads. */
export async function fillBacklog({ addresses }: Everything, messages: number, first = 0): Promise<void> {
  const codec = await createCodec(createRegistry(addresses.registry), ['LeadEnriched']);
  const producer = await createProducer(
    createKafkaClient({ brokers: [addresses.kafka], clientId: 'load', log: () => undefined }),
  );
  for (let start = first; start < first + messages; start += CHUNK) {
    await producer.send(
      Array.from({ length: CHUNK }, (_, i) => {
        const leadId = derivedId('load-shell', start + i);
        return {
          topic: 'enrichment.lead.v1',
          key: leadId,
          headers: {
            [headerNames.messageId]: derivedId('load-shell-message', start + i),
            [headerNames.orgId]: addresses.org,
            [headerNames.version]: '1',
            [headerNames.correlationId]: leadId,
          },
          value: codec.encode('LeadEnriched', enriched(start + i, leadId, addresses.org)),
        };
      }),
    );
  }
  await producer.stop();
}

function enriched(n: number, leadId: string, orgId: string): LeadEnriched {
  const { person, company } = toSubmitted(n, orgId, 0);
  const at = Date.now();
  return {
    orgId,
    leadId,
    submittedAt: at,
    enrichedAt: at,
    person,
    company,
    emailStatus: 'verified',
    confidence: 0.9,
    icpId: null,
    icpMatch: 'none',
    projectId: null,
    fields: [],
    attempts: [{ provider: 'apollo', status: 'hit', confidence: 0.9, latencyMs: 12, costMicros: 20_000 }],
    costMicros: 20_000,
  };
}
