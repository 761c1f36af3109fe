/** The vocabulary that every other folder shares: decisions, messages, ids, errors, time. */
export * from './address-key.ts';
export * from './clock.ts';
export * from './decision.ts';
export * from './errors.ts';
export * from './fault.ts';
export * from './id.ts';
export * from './message.ts';
export * from './trace-context.ts';
