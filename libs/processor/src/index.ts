/** The engine: one pure decision per event, exactly-once effect round it. README.md says in which order to read its manual, test/. */
export * from './apply.ts';
export * from './batch-shell.ts';
export { drainKey } from './drain.ts';
export type { Drained } from './drain.ts';
export { decodeRecord, decodingOf, isPassed, isRefused, learnSchemas } from './decode.ts';
export type { UntypedEffectProcessor } from './effect-calls.ts';
export * from './effect-runner.ts';
export * from './encode.ts';
export * from './errors.ts';
export { FloodError } from './flood.ts';
export { fold } from './fold.ts';
export * from './processor.ts';
export * from './raw-shell.ts';
export * from './run.ts';
export * from './shell.ts';
export * from './start.ts';
export * from './telemetry.ts';
export * from './ticker.ts';
