/** From a typed processor to a running one. The types are checked where the tables are written and left out here, once. */
import type { Topic } from '@lead-flood/contracts';
import { startBatchShell } from './batch-shell.ts';
import type { UntypedEffectProcessor } from './effect-calls.ts';
import { startEffectRunner } from './effect-runner.ts';
import type { RawProcessor } from './raw-shell.ts';
import { startRawShell } from './raw-shell.ts';
import type { BatchProcessor, Commands, Untyped } from './processor.ts';
import { untyped } from './processor.ts';
import type { Running, ShellDeps, ShellOptions } from './shell.ts';
import { shellDefaults } from './shell.ts';

/** S3's and S0's waits between tries, decision C-08. */
export const redeliverAfterMs = [5_000, 15_000, 45_000, 60_000, 60_000] as const;

/** What an effect processor looks like from outside; its tables are checked where it is declared an `EffectProcessor`. */
export type SomeEffectProcessor = Pick<UntypedEffectProcessor, 'group' | 'reads' | 'writes' | 'inFlightMax'> & {
  readonly store: object;
  readonly decide: object;
  readonly perform: object;
};

/** The same for effects; the cast rests on the same check. */
export const untypedEffect = (
  processor: SomeEffectProcessor,
  redeliver: readonly number[] = redeliverAfterMs,
): UntypedEffectProcessor => ({ redeliverAfterMs: redeliver, ...processor }) as unknown as UntypedEffectProcessor;

/** `processor` is what conformance and doors look at; an archive of raw records has none. */
export type Startable = {
  readonly group: string;
  /** What it reads, for those who ask how far behind it is. */
  readonly topics?: readonly string[];
  readonly start: (deps: ShellDeps) => Promise<Running>;
};
export type Starter = Startable & { readonly processor: Untyped };

export const batchProcessor = <S, R extends readonly Topic[], W extends readonly Topic[], F, C extends Commands>(
  processor: BatchProcessor<S, R, W, F, C>,
  options: ShellOptions = shellDefaults,
): Starter => {
  const shellView = untyped(processor) as Untyped;
  return {
    group: processor.group,
    topics: shellView.reads.map(({ name }) => name),
    processor: shellView,
    start: (deps) => startBatchShell(shellView, deps, options),
  };
};

export const effectProcessor = (
  processor: SomeEffectProcessor,
  redeliver: readonly number[] = redeliverAfterMs,
): Starter => {
  const shellView = untypedEffect(processor, redeliver);
  return {
    group: processor.group,
    topics: [...shellView.reads.map(({ name }) => name), `${processor.group}.timer.v1`],
    processor: shellView,
    start: (deps) => startEffectRunner(shellView, deps),
  };
};

/** Keeps records as they are; see raw-shell.ts. */
export const rawProcessor = (processor: RawProcessor): Startable => ({
  group: processor.group,
  topics: processor.topics,
  start: (deps) => startRawShell(processor, deps),
});
