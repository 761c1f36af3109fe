/** What the services say to each other and to clients: events, topics, REST routes. */
export * from './generated/avro.ts';
export * from './generated/events.ts';
export * from './generated/topics.ts';
export * from './openapi.ts';
export * from './rest/all.ts';
export * from './rest/analytics.ts';
export * from './rest/call-allocation.ts';
export * from './rest/discovery.ts';
export * from './rest/error.ts';
export * from './rest/fields.ts';
export * from './rest/gateway.ts';
export * from './rest/lead.ts';
export * from './rest/outreach.ts';
export * from './rest/policy.ts';
export * from './rest/route.ts';
export * from './rest/scoring.ts';
export * from './topic.ts';
