/** Analytics' REST doors: leads, their timelines and jobs, the funnel, freshness, dead letters. All of one organisation. */
import { z } from 'zod';
import type {
  deadLetterRoutes,
  funnelRoutes,
  Handlers,
  leadJobRoutes,
  leadRoutes,
  Principal,
  uploadProgressRoutes,
} from '@lead-flood/contracts';
import type { Clock } from '@lead-flood/kernel';
import { CodedError } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import { listActs } from './dead-letter-acts.ts';
import type { Visibility } from './dead-letter-store.ts';
import { listDeadLetters } from './dead-letter-store.ts';
import type { LeadDocument } from './domain/document.ts';
import type { Freshness } from './freshness.ts';
import { readFunnel } from './funnel.ts';
import { listLeads } from './lead-list.ts';
import { toJobView, toLeadView, toTimeline } from './lead-view.ts';
import { models } from './store.ts';

export type HandlerDeps = { readonly database: Database; readonly freshness: Freshness; readonly clock: Clock };

const visibility = ({ orgId, role }: Principal): Visibility => ({ orgId, isAdmin: role === 'admin' });

export function handlers({
  database,
  freshness,
  clock,
}: HandlerDeps): Handlers<typeof leadRoutes & typeof funnelRoutes & typeof deadLetterRoutes> {
  return {
    listLeads: ({ query, principal }) => listLeads(database, principal.orgId, query),
    getLead: async ({ params, principal }) =>
      toLeadView(params.leadId, await readLead(database, principal.orgId, params.leadId)),
    leadTimeline: async ({ params, principal }) => ({
      items: toTimeline(await readLead(database, principal.orgId, params.leadId)),
    }),
    funnel: ({ query, principal }) => readFunnel(database, visibility(principal), query),
    freshness: () => {
      const at = freshness.lastEventAt();
      return Promise.resolve({
        lastEventAt: at === null ? null : new Date(at).toISOString(),
        ageMs: at === null ? null : Math.max(0, clock.now() - at),
        projectionMs: freshness.projectionMs(),
      });
    },
    listDeadLetterActs: ({ query, principal }) => listActs(database, visibility(principal), query),
    listDeadLetters: ({ query, principal }) => listDeadLetters(database, visibility(principal), query),
  };
}

const outcome = z.object({ outcome: z.string(), leads: z.int() });

export const internalHandlers = (database: Database): Handlers<typeof uploadProgressRoutes & typeof leadJobRoutes> => ({
  leadJob: async ({ params, principal }) => {
    const key = z.object({ key: z.string() });
    const leadId = await database.maybeOneFirst(sql.type(key)`
      select key from lead_models where job_id = ${params.jobId} and stage is not null
    `);
    if (leadId === null) throw unknownJob();
    const stored = await models.loadOf(database, principal.orgId, leadId);
    if (stored === null) throw unknownJob();
    return toJobView(leadId, stored.state);
  },

  uploadProgress: async ({ params, principal }) => {
    const rows = await database.any(sql.type(outcome)`
      select outcome, leads from upload_outcomes where job_id = ${params.jobId} and org_id = ${principal.orgId}
    `);
    const count = (name: string): number => rows.find((row) => row.outcome === name)?.leads ?? 0;
    const done = rows.reduce((sum, row) => sum + row.leads, 0);
    return {
      done,
      discovered: count('discovered'),
      updated: count('updated'),
      duplicated: count('duplicated'),
      rejected: count('rejected'),
    };
  },
});

async function readLead(database: Database, orgId: string, leadId: string): Promise<LeadDocument> {
  const stored = await models.loadOf(database, orgId, leadId);
  if (stored === null || !stored.state.isLead) {
    throw new CodedError('ANL_ERR_UNKNOWN_LEAD', 'there is no such lead');
  }
  return stored.state;
}

const unknownJob = (): CodedError => new CodedError('ANL_ERR_UNKNOWN_JOB', 'there is no such job');
