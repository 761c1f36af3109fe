/**
 * `runService`: what every process of the product does at its start and end, so that a service's main is a few lines.
 *
 *   config ─▶ log, metrics, doors (503) ─▶ database, migrations ─▶ codec (waits for the registry) ─▶ producer, relay
 *         ─▶ processors ─▶ doors ─▶ ready        SIGTERM: doors ─▶ processors ─▶ relay ─▶ producer ─▶ database
 */
import { flushCompileCache } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import type { ApiErrorCode, EventName, Handlers, Routes, Topic } from '@lead-flood/contracts';
import { outboxInternalRoutes } from '@lead-flood/contracts';
import { systemClock, TransientError, toError } from '@lead-flood/kernel';
import type { Clock } from '@lead-flood/kernel';
import type { Codec, KafkaClient } from '@lead-flood/kafka';
import { createCodec, createKafkaClient, createProducer, createRegistry } from '@lead-flood/kafka';
import type { Database, Relay, Tick } from '@lead-flood/postgres';
import { classify, createDatabase, migrate, readOutboxStates, sql, startRelay } from '@lead-flood/postgres';
import type { Applier, BatchProcessor, Commands, Running, ShellOptions, Startable } from '@lead-flood/processor';
import { createApplier, shellDefaults, startTicker } from '@lead-flood/processor';
import type { SharedConfig } from './config.ts';
import { readConfig, sharedConfig } from './config.ts';
import { listenEarly } from './early-door.ts';
import { consumerChecks, STALL_MS } from './consumer-checks.ts';
import type { Check, Readiness } from './health.ts';
import { addHealth, readiness } from './health.ts';
import type { DoorOptions, HttpServer } from './http.ts';
import { addRoutes, createHttpServer } from './http.ts';
import type { Log } from './log.ts';
import { createLog, logError } from './log.ts';
import { createMetrics, serveOperations } from './metrics.ts';
import type { Metrics } from './metrics.ts';
import { createPrincipalVerifier, principalHeader } from './principal.ts';
import type { ServiceStatus } from './status.ts';
import { createStatusBoard, RELAY } from './status.ts';
import { createTracing } from './tracing.ts';

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
  /** Clocks that one replica of this service runs for everybody; they are `Ticked` on platform.tick.v1, named in `writes`. */
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

type Status = {
  ready: boolean;
  waitingFor: string;
  running: readonly { readonly startable: Startable; readonly running: Running }[];
  parts: ServiceParts | null;
};

const WAIT_MS = 500;
/** A wait that is longer is told, once: at a rollout most are not. */
const TELL_AFTER_MS = 1_000;

/** Starts the service in this process and ends the process with it. */
export async function runService<T extends z.ZodObject>(definition: ServiceDefinition<T>): Promise<void> {
  const config = readConfigOrExit(definition);
  const log = createLog(definition.name, config);
  const end = (code: number): void => {
    log.flush(() => process.exit(code));
    setTimeout(() => process.exit(code), 500).unref();
  };
  process.on('uncaughtException', (error) => {
    log.fatal({ err: logError(error) }, 'uncaught exception');
    end(1);
  });
  process.on('unhandledRejection', (reason) => {
    log.fatal({ err: logError(toError(reason)) }, 'unhandled rejection');
    end(1);
  });
  const running = startService(definition, config, log, (error) => {
    log.fatal({ err: logError(error) }, 'cannot go on');
    end(1);
  });
  let stopping = false;
  let started = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      log.info({ signal }, 'stopping');
      // Nothing is under way yet, and what is waited for may never come.
      if (!started) {
        end(0);
        return;
      }
      setTimeout(() => {
        end(1);
      }, config.SHUTDOWN_GRACE_MS).unref();
      running
        .then((service) => service.stop())
        .then(
          () => {
            end(0);
          },
          (error: unknown) => {
            log.error({ err: logError(error) }, 'stopping failed');
            end(1);
          },
        );
    });
  }
  await running;
  started = true;
}

function readConfigOrExit<T extends z.ZodObject>(definition: ServiceDefinition<T>): z.infer<T> & SharedConfig {
  try {
    return { ...readConfig(sharedConfig), ...readConfig(definition.config) };
  } catch (error) {
    process.stderr.write(`${definition.name}: ${toError(error).message}\n`);
    process.exit(2);
  }
}

export async function startService<T extends z.ZodObject>(
  definition: ServiceDefinition<T>,
  config: z.infer<T> & SharedConfig,
  log: Log,
  onFatal: (error: Error) => void,
): Promise<RunningService> {
  const tracing = await createTracing(definition.name, config);
  const metrics = createMetrics(definition.name, log, tracing);
  const door = definition.door?.(config);
  const server = createHttpServer({ log, metrics, tracing, codes: definition.errorCodes, door });
  const board = createStatusBoard();
  const telemetry = board.watch(metrics.telemetry);
  const startedAt = new Date().toISOString();
  const status: Status = { ready: false, waitingFor: 'start', running: [], parts: null };
  const checks: Check[] = [];
  const tellStatus = async (): Promise<ServiceStatus> => {
    const { ready, checks: told } = await readiness(checks);
    return {
      service: definition.name,
      schema: definition.schema,
      startedAt,
      ready,
      waitingFor: status.ready ? null : status.waitingFor,
      checks: told,
      processors: status.running.map(({ startable, running }) => board.processor(startable, running)),
      relay: board.relay(),
      breakers: status.parts?.breakers?.() ?? {},
    };
  };
  const port = await listenEarly(server, { host: config.HTTP_HOST, port: door?.port ?? config.HTTP_PORT });
  addHealth(server, checks);
  // Where clients come in from outside, nobody but the operations port tells this.
  if (door === undefined) server.get('/status', tellStatus);
  const operations = await serveOperations(
    metrics.registry,
    { ready: () => readiness(checks), status: tellStatus },
    { host: config.HTTP_HOST, port: config.METRICS_PORT },
  );
  checks.push({
    name: 'start',
    run: () =>
      status.ready
        ? undefined
        : Promise.reject(Object.assign(new Error('starting'), { code: `waiting for ${status.waitingFor}` })),
  });

  const waitFor = async <R>(what: string, attempt: () => Promise<R>): Promise<R> => {
    status.waitingFor = what;
    let told = false;
    const tell = (error?: unknown): void => {
      if (!told) log.warn({ what, ...(error === undefined ? {} : { err: logError(error) }) }, `waiting for ${what}`);
      told = true;
    };
    // A server that takes the connection and says nothing fails only after its client's patience.
    const timer = setTimeout(tell, TELL_AFTER_MS);
    try {
      for (;;) {
        try {
          const got = await attempt();
          if (told) log.info({ what }, `${what} is there`);
          return got;
        } catch (error) {
          if (!isAbsence(error)) throw error;
          tell(error);
          await delay(WAIT_MS);
        }
      }
    } finally {
      clearTimeout(timer);
    }
  };

  await waitFor('postgres', () =>
    migrate({ url: config.DATABASE_URL, schema: definition.schema, folder: definition.migrations }),
  );
  const database = await waitFor('postgres', () =>
    createDatabase({
      url: config.DATABASE_URL,
      schema: definition.schema,
      applicationName: definition.name,
      connectionsMax: config.DATABASE_CONNECTIONS_MAX,
    }),
  );
  checks.push({ name: 'db', run: async () => void (await database.query(sql.unsafe`select 1`)) });
  const kafka = createKafkaClient({
    brokers: config.KAFKA_BROKERS.split(','),
    clientId: definition.name,
    log: (level, message, details) => {
      // Before the first connection each of its tries would be a line; what is waited for has been said.
      log[status.ready ? level : 'debug'](
        { what: 'kafka', topic: details['topic'], broker: details['broker'], error: details['error'] },
        message,
      );
    },
  });
  const relay: { current: Relay | null } = { current: null };
  const wakeRelay = (): void => relay.current?.wake();
  const codec = await waitFor('registry', () =>
    createCodec(createRegistry(config.SCHEMA_REGISTRY_URL), definition.writes),
  );
  const deps = {
    config,
    log,
    metrics,
    database,
    kafka,
    codec,
    clock: systemClock,
    wakeRelay,
    readiness: () => readiness(checks),
    status: tellStatus,
    applier: <S, R extends readonly Topic[], W extends readonly Topic[], F, C extends Commands>(
      processor: BatchProcessor<S, R, W, F, C>,
    ): Applier<S, C> => createApplier(processor, { database, codec, clock: systemClock, wakeRelay, telemetry }),
  };
  if (door === undefined)
    addServiceRoutes(
      server,
      outboxInternalRoutes,
      {
        listOwnOutbox: async ({ query, principal }) => ({
          items: await readOutboxStates(database, principal.orgId, query),
        }),
      },
      config,
    );
  const parts = await definition.build(deps, server);
  status.parts = parts;
  const producer = await waitFor('kafka', () => createProducer(kafka));
  relay.current = startRelay({
    database,
    schema: definition.schema,
    publish: (messages) => producer.send(messages),
    onPublished: (count) => {
      board.published();
      metrics.published(count);
    },
    onError: (error) => {
      telemetry.error(RELAY, error, 'relay');
    },
  });
  const ticker =
    definition.ticks === undefined
      ? null
      : startTicker({
          ticks: definition.ticks,
          database,
          codec,
          wakeRelay,
          onError: (error) => {
            telemetry.error('ticker', error, 'a look at the clocks failed');
          },
        });
  checks.push(...(parts.checks ?? []));
  checks.push(...consumerChecks(() => status.running));
  status.waitingFor = 'kafka';
  status.running = await Promise.all(
    parts.processors.map(async (startable) => ({
      startable,
      running: await startable.start({
        client: kafka,
        codec,
        database,
        clock: systemClock,
        telemetry,
        wakeRelay,
        onFatal,
      }),
    })),
  );
  const watchdog = setInterval(() => {
    const stalled = status.running.find(({ running }) => Date.now() - running.lastSeenAt() > STALL_MS);
    if (stalled !== undefined)
      onFatal(new TransientError('SVC_ERR_STALLED', 'a consumer has shown no sign of life for a minute'));
  }, 5_000);
  await server.ready();
  status.ready = true;
  // What was compiled for this start is kept for the next, also when this process is killed; nothing without NODE_COMPILE_CACHE.
  flushCompileCache();
  log.info({ port }, 'ready');
  return {
    port,
    metricsPort: operations.port,
    stop: async () => {
      clearInterval(watchdog);
      await server.close();
      await Promise.all(status.running.map(({ running }) => running.stop()));
      await ticker?.stop();
      await relay.current?.stop();
      await parts.stop?.();
      await producer.stop();
      await operations.close();
      await tracing.stop();
      await database.end();
    },
  };
}

/** Something that this process needs is not there yet; it may come. */
function isAbsence(error: unknown): boolean {
  if (classify(error) instanceof TransientError) return true;
  const text =
    error instanceof Error ? `${error.name} ${error.message} ${'code' in error ? String(error.code) : ''}` : '';
  return /ENOTFOUND|EAI_AGAIN|Connection|KafkaJS(Connection|NumberOfRetries|NonRetriable|Broker)/.test(text);
}

/** The batch shell's settings out of a service's configuration. */
export const shellOptions = (config: SharedConfig): ShellOptions => ({
  ...shellDefaults,
  batchMessagesMax: config.BATCH_MESSAGES_MAX,
  gatherMs: config.BATCH_GATHER_MS,
});

/** Doors behind the gateway: the caller is who the gateway's signature says. */
export function addServiceRoutes<T extends Routes>(
  server: HttpServer,
  routes: T,
  handlers: Handlers<T>,
  config: SharedConfig,
): void {
  const verify = createPrincipalVerifier(config.PRINCIPAL_SECRET);
  addRoutes(server, routes, handlers, (request) => {
    const header = request.headers[principalHeader];
    return verify(typeof header === 'string' ? header : undefined);
  });
}
