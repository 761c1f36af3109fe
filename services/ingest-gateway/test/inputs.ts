/** Leads as they wait to be let in; of no meaning, but each like no other. */
import type { OutboxMessage } from '@lead-flood/postgres';

export const leadsOf = (name: string, count: number): OutboxMessage[] =>
  Array.from({ length: count }, (_, i) => ({
    topic: 'ingest.lead.v1',
    key: `${name} ${i}`,
    headers: { 'message-id': `${name} ${i}`, 'org-id': name },
    value: Buffer.from(`value of "${name}" \\ ${i}`),
  }));
