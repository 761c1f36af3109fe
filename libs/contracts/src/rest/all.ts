/** Every route that clients can reach, by service: what the gateway proxies, OpenAPI describes and the policy test walks. */
import { analyticsRoutes } from './analytics.ts';
import { discoveryRoutes } from './discovery.ts';
import type { Route } from './route.ts';
import { scoringRoutes } from './scoring.ts';

export const allRoutes: Readonly<Record<string, Route>> = {
  ...discoveryRoutes,
  ...scoringRoutes,
  ...analyticsRoutes,
};
