/** The funnel: leads grouped by what they add to it, summed here, and the dead letters beside them. */
import { z } from 'zod';
import type { funnelView } from '@lead-flood/contracts';
import type { Queries } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import type { Visibility } from './dead-letter-store.ts';
import { countDeadLetters } from './dead-letter-store.ts';
import type { Tally } from './domain/tally.ts';
import { addUp, steps, under } from './domain/tally.ts';

export type Funnel = z.input<typeof funnelView>;
export type FunnelQuery = { readonly source?: string | undefined; readonly createdFrom?: string | undefined };

const group = z.object({ tally: z.string(), leads: z.int() });
const counts = z.record(z.string(), z.number());

export async function readFunnel(database: Queries, who: Visibility, query: FunnelQuery): Promise<Funnel> {
  const conditions = [
    sql.fragment`org_id = ${who.orgId}`,
    ...(query.source === undefined ? [] : [sql.fragment`source = ${query.source}`]),
    ...(query.createdFrom === undefined ? [] : [sql.fragment`created_at >= ${query.createdFrom}::timestamptz`]),
  ];
  const groups = await database.any(sql.type(group)`
    select tally, count(*) as leads from lead_models
    where ${sql.join(conditions, sql.fragment` and `)}
    group by tally
  `);
  const total = addUp(groups.map(({ tally, leads }) => ({ tally: counts.parse(JSON.parse(tally)), leads })));
  // A message that could not be read names no source.
  const letters = query.source === undefined ? await countDeadLetters(database, who, query.createdFrom) : [];
  const byGroup: Record<string, number> = {};
  for (const letter of letters) byGroup[letter.group] = (byGroup[letter.group] ?? 0) + letter.count;
  const unread = letters
    .filter((letter) => letter.group === 'discovery' && letter.topic === 'ingest.lead.v1')
    .reduce((sum, letter) => sum + letter.count, 0);
  return toFunnel(total, unread, byGroup);
}

function toFunnel(total: Tally, unread: number, deadLetters: Record<string, number>): Funnel {
  const count = (name: string): number => total[name] ?? 0;
  const outcomes = {
    discovered: count('submission|discovered'),
    updated: count('submission|updated'),
    duplicated: count('submission|duplicated'),
    rejected: count('submission|rejected'),
  };
  const bands = { high: count('band|HIGH'), medium: count('band|MEDIUM'), low: count('band|LOW') };
  return {
    steps: steps.map((step) => ({ step, leads: count(`step|${step}`) })),
    // Everything that was handed in has an outcome or is a dead letter of discovery.
    submitted: outcomes.discovered + outcomes.updated + outcomes.duplicated + outcomes.rejected + unread,
    outcomes,
    enrichment: { enriched: count('enriched'), failed: count('failed'), costMicros: count('cost') },
    scoring: { scored: bands.high + bands.medium + bands.low, ...bands },
    outreach: {
      messagesSent: count('sent'),
      messagesFailed: count('unsent'),
      messagesWithheld: count('withheld'),
      leadsContacted: count('contacted'),
      replies: count('replies'),
      notContacted: under(total, 'silent'),
    },
    calls: {
      tasksCreated: count('tasks'),
      tasksDeclined: under(total, 'declined'),
      outcomes: under(total, 'called'),
    },
    deadLetters,
    providers: Object.entries(under(total, 'asked'))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([provider, attempts]) => ({
        provider,
        attempts,
        hits: count(`hit|${provider}`),
        verifiedEmails: count(`verified|${provider}`),
        costMicros: count(`spent|${provider}`),
      })),
  };
}
