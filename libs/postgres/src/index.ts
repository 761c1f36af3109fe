/** The port to Postgres; nobody else may import slonik or pg. */
export * from './arrays.ts';
export * from './database.ts';
export * from './document-store.ts';
export * from './errors.ts';
export * from './journal.ts';
export * from './lease.ts';
export * from './migrate.ts';
export * from './outbox.ts';
export * from './outbox-partitions.ts';
export * from './outbox-states.ts';
export * from './parked.ts';
export * from './positions.ts';
export * from './redeliveries.ts';
export * from './relay.ts';
export * from './repeat.ts';
export * from './ticks.ts';
export * from './timers.ts';
