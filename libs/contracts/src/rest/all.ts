/** Every route that clients can reach: what the gateway proxies, OpenAPI describes, the policy test walks, a client is made of. */
import { deadLetterRoutes } from './analytics/dead-letters.ts';
import { funnelRoutes } from './analytics/funnel.ts';
import { leadRoutes } from './analytics/leads.ts';
import { callTaskRoutes } from './call-allocation/call-tasks.ts';
import { callerRoutes } from './call-allocation/callers.ts';
import { parkedRoutes } from './call-allocation/parked.ts';
import { icpRoutes } from './discovery/icps.ts';
import { newLeadRoutes } from './discovery/leads.ts';
import { authRoutes } from './ingest-gateway/auth.ts';
import { jobRoutes } from './ingest-gateway/jobs.ts';
import { outboxRoutes } from './ingest-gateway/outbox.ts';
import { systemRoutes } from './ingest-gateway/system.ts';
import { uploadRoutes } from './ingest-gateway/uploads.ts';
import { webhookRoutes } from './ingest-gateway/webhooks.ts';
import { threadRoutes } from './outreach/threads.ts';
import { joinRoutes } from './route.ts';
import { ruleRoutes } from './scoring/rules.ts';

export const allRoutes = joinRoutes(
  authRoutes,
  systemRoutes,
  uploadRoutes,
  webhookRoutes,
  outboxRoutes,
  jobRoutes,
  newLeadRoutes,
  icpRoutes,
  ruleRoutes,
  threadRoutes,
  callerRoutes,
  callTaskRoutes,
  parkedRoutes,
  leadRoutes,
  funnelRoutes,
  deadLetterRoutes,
);
