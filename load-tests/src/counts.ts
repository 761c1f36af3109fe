/** How far the line is, read from the services' own tables: the judge of throughput is what is stored, not what was sent. */
import { z } from 'zod';
import { createDatabase, sql } from '@lead-flood/postgres';

export type Counts = {
  readonly discovered: number;
  readonly enriched: number;
  readonly scored: number;
  readonly projected: number;
  readonly ended: number;
};

const row = z.object({ discovered: z.int(), enriched: z.int(), scored: z.int(), projected: z.int(), ended: z.int() });

export type Counter = { readonly read: () => Promise<Counts>; readonly end: () => Promise<void> };

export async function createCounter(url: string): Promise<Counter> {
  const database = await createDatabase({ url, schema: 'public', applicationName: 'load-tests', connectionsMax: 2 });
  return {
    read: () =>
      database.one(sql.type(row)`
        select
          (select count(*) from discovery.leads)::int8 as discovered,
          (select count(*) from enrichment.lead_enrichments where status <> 'PENDING')::int8 as enriched,
          (select count(*) from scoring.lead_scores)::int8 as scored,
          (select count(*) from analytics.lead_models where stage is not null and score >= 0)::int8 as projected,
          ((select count(*) from outreach.delivery_attempts)
            + (select count(*) from outreach.conversations where thread_id is null)
            + (select count(*) from call_allocation.call_tasks))::int8 as ended
      `),
    end: () => database.end(),
  };
}
