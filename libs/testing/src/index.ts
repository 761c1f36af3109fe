/** For tests only: given/when/then, throw-away databases and topics, the conformance suite. Never imported by shipped code. */
export * from './conformance.ts';
export { crashOnceAt } from './conformance-faults.ts';
export * from './database.ts';
export * from './dump.ts';
export * from './environment.ts';
export * from './fault-scope.ts';
export * from './line.ts';
export * from './member.ts';
export { poison } from './poison.ts';
export * from './samples.ts';
export * from './specification.ts';
export * from './waiting.ts';
