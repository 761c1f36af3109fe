/** Every route that clients can reach, by service: what the gateway proxies, OpenAPI describes and the policy test walks. */
import { analyticsRoutes } from './analytics.ts';
import { callAllocationRoutes } from './call-allocation.ts';
import { discoveryRoutes } from './discovery.ts';
import { gatewayRoutes } from './gateway.ts';
import { outboxRoutes } from './outbox.ts';
import { outreachRoutes } from './outreach.ts';
import type { Route } from './route.ts';
import { scoringRoutes } from './scoring.ts';

export const allRoutes: Readonly<Record<string, Route>> = {
  ...gatewayRoutes,
  ...outboxRoutes,
  ...discoveryRoutes,
  ...scoringRoutes,
  ...outreachRoutes,
  ...callAllocationRoutes,
  ...analyticsRoutes,
};
