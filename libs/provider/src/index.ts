/** The only door to the world outside: nobody else may import undici, opossum or ioredis. */
export { reachOf } from './address.ts';
export type { Reach } from './address.ts';
export * from './breaker.ts';
export type { ResolvedAddress, Resolver } from './connector.ts';
export * from './egress.ts';
export * from './errors.ts';
export type { Exchanged, Method } from './exchange.ts';
export * from './neighbour.ts';
export * from './provider.ts';
export * from './quota.ts';
export * from './redis.ts';
export * from './retry.ts';
export * from './sharing-window.ts';
