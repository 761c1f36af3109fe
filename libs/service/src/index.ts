/** How a service runs: configuration, logs, metrics, doors, start and end. The only door to fastify, pino, prom-client, OpenTelemetry. */
export * from './browser-guards.ts';
export * from './config.ts';
export * from './doctor/collect.ts';
export { readAllPositions, readParkedKeys, readSchema, readSchemas } from './doctor/database-facts.ts';
export * from './doctor/diagnose.ts';
export type * from './doctor/facts.ts';
export * from './health.ts';
export * from './mail-thread-id.ts';
export * from './http.ts';
export * from './log.ts';
export * from './metrics.ts';
export * from './payload.ts';
export * from './principal.ts';
export * from './service.ts';
export * from './status.ts';
export { noTracing } from './tracing.ts';
