/** For tests only: given/when/then, throw-away databases and topics, the conformance suite. Never imported by shipped code. */
export * from './conformance.ts';
export { callOutside, createBench, emptyTables } from './crash-trial.ts';
export type { Bench, CrashEnd, CrashSubject, OutsideWorld } from './crash-trial.ts';
export { crashOnceAt } from './conformance-faults.ts';
export * from './crash-points.ts';
export * from './database.ts';
export * from './dump.ts';
export * from './environment.ts';
export * from './fault-scope.ts';
export * from './interleaving.ts';
export * from './line.ts';
export * from './member.ts';
export { createMemoryBroker } from './memory-broker.ts';
export type { MemoryBroker } from './memory-broker.ts';
export { poison, sendBomb } from './poison.ts';
export * from './samples.ts';
export * from './specification.ts';
export * from './waiting.ts';
