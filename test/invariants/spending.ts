/**
 * I4. The product has no credits yet; what it keeps account of is the money spent on providers: an entry for each
 * question of a lead, a balance for each provider, and the sum that each lead's event tells.
 */
import { z } from 'zod';
import { sql } from '@lead-flood/postgres';
import type { Invariant, Violation } from './invariant.ts';
import { finding } from './invariant.ts';
import type { World } from './world.ts';

const balance = z.object({ provider: z.string(), asked: z.int(), cost: z.int() });

export const spending: Invariant = {
  name: 'I4',
  sentence: 'Each balance is the sum of its entries, never negative, and each entry counts once.',
  atRest: true,
  async check(world) {
    const database = world.database('enrichment');
    const balances = await database.any(
      sql.type(balance)`select provider, asked, cost_micros as cost from provider_statistics`,
    );
    const entries = await database.any(sql.type(balance)`
      select provider, count(*) as asked, coalesce(sum(cost_micros), 0)::bigint as cost from enrichment_attempts group by provider
    `);
    const sums = new Map(entries.map((e) => [e.provider, e]));
    const violations: Violation[] = balances.flatMap(({ provider, asked, cost }): Violation[] => {
      const sum = sums.get(provider) ?? { asked: 0, cost: 0 };
      sums.delete(provider);
      if (asked < 0 || cost < 0) return [{ id: provider, what: `negative: ${asked} questions for ${cost}` }];
      if (asked === sum.asked && cost === sum.cost) return [];
      return [
        { id: provider, what: `${asked} questions for ${cost}, but the entries are ${sum.asked} for ${sum.cost}` },
      ];
    });
    for (const [provider] of sums) violations.push({ id: provider, what: 'has entries and no balance' });
    const told = await toldOtherwise(world);
    return finding(
      balances.length + told.looked,
      [...violations, ...told.violations],
      ['credits are not built: this is what was spent on providers'],
    );
  },
};

const perLead = z.object({ lead_id: z.string(), cost: z.int() });

/** What the event of a lead tells to have been spent, against the lead's entries. */
async function toldOtherwise(world: World): Promise<{ looked: number; violations: Violation[] }> {
  const rows = await world.database('enrichment').any(sql.type(perLead)`
    select lead_id, sum(cost_micros)::bigint as cost from enrichment_attempts group by lead_id
  `);
  const spent = new Map(rows.map((r) => [r.lead_id, r.cost]));
  const events = (await world.events('enrichment.lead.v1')).flatMap((e) =>
    e.name === 'LeadEnriched' || e.name === 'LeadEnrichmentFailed' ? [e.data] : [],
  );
  const violations = events.flatMap(({ leadId, costMicros }) =>
    (spent.get(leadId) ?? 0) === costMicros
      ? []
      : [{ id: leadId, what: `tells ${costMicros} spent, its entries sum to ${spent.get(leadId) ?? 0}` }],
  );
  return { looked: events.length, violations };
}
