/** What a service is, as data: its name, tables, settings, topics and how its parts are built. */
import type { z } from 'zod';
import type { ApiErrorCode, EventName, Topic } from '@lead-flood/contracts';
import type { Clock } from '@lead-flood/kernel';
import type { Codec, KafkaClient } from '@lead-flood/kafka';
import type { Database, Tick } from '@lead-flood/postgres';
import type { Applier, BatchProcessor, Commands, ShellOptions, Startable } from '@lead-flood/processor';
import { shellDefaults } from '@lead-flood/processor';
import type { SharedConfig } from './config.ts';
import type { Check, Readiness } from './health.ts';
import type { DoorOptions, HttpServer } from './http.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { ServiceStatus } from './status.ts';

/** What a service's parts are made of. */
export type ServiceDeps<C> = {
  readonly config: C & SharedConfig;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly database: Database;
  readonly kafka: KafkaClient;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly wakeRelay: () => void;
  readonly readiness: () => Promise<Readiness>;
  /** What `/status` tells. */
  readonly status: () => Promise<ServiceStatus>;
  /** The door for commands of one processor. */
  readonly applier: <S, R extends readonly Topic[], W extends readonly Topic[], F, C extends Commands>(
    processor: BatchProcessor<S, R, W, F, C>,
  ) => Applier<S, C>;
};

export type ServiceParts = {
  readonly processors: readonly Startable[];
  readonly checks?: readonly Check[];
  /** Providers and the state of their breakers; the doctor names those that are open. */
  readonly breakers?: () => Readonly<Record<string, string>>;
  /** Ends what the service itself has opened. */
  readonly stop?: () => Promise<void>;
};

export type ServiceDefinition<T extends z.ZodObject> = {
  readonly name: string;
  /** Postgres schema; the folder of its migrations. */
  readonly schema: string;
  readonly migrations: string;
  readonly config: T;
  /** Events that this process encodes, beside those that its processors write. */
  readonly writes: readonly EventName[];
  /** Clocks of this service, run by one replica; they are `Ticked` on platform.tick.v1, named in `writes`. */
  readonly ticks?: readonly Tick[];
  readonly errorCodes: Readonly<Record<string, ApiErrorCode>>;
  /** Only where clients come in from outside. */
  readonly door?: (config: z.infer<T> & SharedConfig) => DoorOptions;
  readonly build: (deps: ServiceDeps<z.infer<T>>, server: HttpServer) => Promise<ServiceParts> | ServiceParts;
};

export const defineService = <T extends z.ZodObject>(definition: ServiceDefinition<T>): ServiceDefinition<T> =>
  definition;

export type RunningService = {
  readonly port: number;
  readonly metricsPort: number;
  readonly stop: () => Promise<void>;
};

/** The batch shell's settings out of a service's configuration. */
export const shellOptions = (config: SharedConfig): ShellOptions => ({
  ...shellDefaults,
  batchMessagesMax: config.BATCH_MESSAGES_MAX,
  gatherMs: config.BATCH_GATHER_MS,
});
