/**
 * From a definition to a running service, and back.
 *
 *   log, metrics, doors (503) ─▶ database, migrations ─▶ codec (waits for the registry) ─▶ parts ─▶ producer, relay, ticker
 *         ─▶ processors ─▶ ready        stop: doors ─▶ processors ─▶ ticker, relay ─▶ producer ─▶ database
 */
import { flushCompileCache } from 'node:module';
import type { z } from 'zod';
import type { Topic } from '@lead-flood/contracts';
import { outboxInternalRoutes } from '@lead-flood/contracts';
import { systemClock, TransientError } from '@lead-flood/kernel';
import type { KafkaClient, Producer } from '@lead-flood/kafka';
import { createCodec, createKafkaClient, createProducer, createRegistry } from '@lead-flood/kafka';
import type { Database, Relay } from '@lead-flood/postgres';
import { createDatabase, migrate, readOutboxStates, sql, startRelay } from '@lead-flood/postgres';
import type { Applier, BatchProcessor, Commands, RunningTicker, Startable } from '@lead-flood/processor';
import { createApplier, startTicker } from '@lead-flood/processor';
import type { SharedConfig } from './config.ts';
import { consumerChecks, STALL_MS } from './consumer-checks.ts';
import { chooseGroups } from './groups.ts';
import { readiness } from './health.ts';
import type { HttpServer } from './http.ts';
import type { Log } from './log.ts';
import type { Operations, Progress } from './operations.ts';
import { openOperations } from './operations.ts';
import type { RunningService, ServiceDefinition, ServiceDeps } from './definition.ts';
import { addServiceRoutes } from './service-routes.ts';
import { RELAY } from './status.ts';
import type { WaitFor } from './waiting.ts';
import { createWaiting } from './waiting.ts';

export async function startService<T extends z.ZodObject>(
  definition: ServiceDefinition<T>,
  config: z.infer<T> & SharedConfig,
  log: Log,
  onFatal: (error: Error) => void,
): Promise<RunningService> {
  const operations = await openOperations(definition, config, log);
  const { server, progress, checks } = operations;
  const waitFor = createWaiting(log, (what) => (progress.waitingFor = what));
  const database = await openDatabase(definition, config, waitFor);
  checks.push({ name: 'db', run: async () => void (await database.query(sql.unsafe`select 1`)) });
  const relay: { current: Relay | null } = { current: null };
  const deps = await createDeps(definition, { config, log, operations, database, waitFor, relay });
  if (definition.door === undefined) addOutboxRoute(server, database, config);
  const parts = await definition.build(deps, server);
  progress.parts = parts;
  const processors = chooseGroups(parts.processors, config.GROUPS);
  const producer = await waitFor('kafka', () => createProducer(deps.kafka));
  relay.current = openRelay(definition.schema, { database, producer, operations });
  const ticker = openTicker(definition, deps, operations);
  const consumers = consumerChecks(() => progress.running);
  // Clients are served whatever becomes of a consumer: what they hand in waits in the outbox.
  const advisory = consumers.map((check) => ({ ...check, advisory: true }));
  checks.push(...(parts.checks ?? []), ...(definition.door === undefined ? consumers : advisory));
  progress.waitingFor = 'kafka';
  progress.running = await startProcessors(processors, deps, operations, onFatal);
  const watchdog = watch(progress, onFatal);
  await server.ready();
  progress.ready = true;
  // What was compiled for this start is kept for the next, also when this process is killed; nothing without NODE_COMPILE_CACHE.
  flushCompileCache();
  log.info({ port: operations.port }, 'ready');
  return {
    port: operations.port,
    metricsPort: operations.metricsPort,
    stop: async () => {
      clearInterval(watchdog);
      await server.close();
      await Promise.all(progress.running.map(({ running }) => running.stop()));
      await ticker?.stop();
      await relay.current?.stop();
      await parts.stop?.();
      await producer.stop();
      await operations.stop();
      await database.end();
    },
  };
}

async function openDatabase(
  { name, schema, migrations }: { name: string; schema: string; migrations: string },
  config: SharedConfig,
  waitFor: WaitFor,
): Promise<Database> {
  const url = config.DATABASE_URL;
  await waitFor('postgres', () => migrate({ url, schema, folder: migrations }));
  return waitFor('postgres', () =>
    createDatabase({ url, schema, applicationName: name, connectionsMax: config.DATABASE_CONNECTIONS_MAX }),
  );
}

type Opened<C> = {
  readonly config: C & SharedConfig;
  readonly log: Log;
  readonly operations: Operations;
  readonly database: Database;
  readonly waitFor: WaitFor;
  readonly relay: { readonly current: Relay | null };
};

async function createDeps<T extends z.ZodObject>(
  { name, writes }: ServiceDefinition<T>,
  { config, log, operations, database, waitFor, relay }: Opened<z.infer<T>>,
): Promise<ServiceDeps<z.infer<T>>> {
  const kafka = openKafka(name, config, log, operations.progress);
  const codec = await waitFor('registry', () => createCodec(createRegistry(config.SCHEMA_REGISTRY_URL), writes));
  const wakeRelay = (): void => relay.current?.wake();
  const { metrics, telemetry, checks, status } = operations;
  return {
    config,
    log,
    metrics,
    database,
    kafka,
    codec,
    clock: systemClock,
    wakeRelay,
    readiness: () => readiness(checks),
    status,
    applier: <S, R extends readonly Topic[], W extends readonly Topic[], F, C extends Commands>(
      processor: BatchProcessor<S, R, W, F, C>,
    ): Applier<S, C> => createApplier(processor, { database, codec, clock: systemClock, wakeRelay, telemetry }),
  };
}

const openKafka = (clientId: string, config: SharedConfig, log: Log, progress: Progress): KafkaClient =>
  createKafkaClient({
    brokers: config.KAFKA_BROKERS.split(','),
    clientId,
    log: (level, message, details) => {
      // Before the first connection each of its tries would be a line; what is waited for has been said.
      log[progress.ready ? level : 'debug'](
        { what: 'kafka', topic: details['topic'], broker: details['broker'], error: details['error'] },
        message,
      );
    },
  });

function addOutboxRoute(server: HttpServer, database: Database, config: SharedConfig): void {
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
}

const openRelay = (
  schema: string,
  { database, producer, operations }: { database: Database; producer: Producer; operations: Operations },
): Relay =>
  startRelay({
    database,
    schema,
    publish: (messages) => producer.send(messages),
    onPublished: (count) => {
      operations.board.published();
      operations.metrics.published(count);
    },
    onError: (error) => {
      operations.telemetry.error(RELAY, error, 'relay');
    },
  });

function openTicker<T extends z.ZodObject>(
  { ticks }: ServiceDefinition<T>,
  { database, codec, wakeRelay }: Pick<ServiceDeps<unknown>, 'database' | 'codec' | 'wakeRelay'>,
  { telemetry }: Operations,
): RunningTicker | null {
  if (ticks === undefined) return null;
  return startTicker({
    ticks,
    database,
    codec,
    wakeRelay,
    onError: (error) => {
      telemetry.error('ticker', error, 'a look at the clocks failed');
    },
  });
}

const startProcessors = (
  processors: readonly Startable[],
  { kafka, codec, database, clock, wakeRelay }: ServiceDeps<unknown>,
  { telemetry }: Operations,
  onFatal: (error: Error) => void,
): Promise<Progress['running']> =>
  Promise.all(
    processors.map(async (startable) => ({
      startable,
      running: await startable.start({ client: kafka, codec, database, clock, telemetry, wakeRelay, onFatal }),
    })),
  );

const watch = (progress: Progress, onFatal: (error: Error) => void): NodeJS.Timeout =>
  setInterval(() => {
    const stalled = progress.running.find(({ running }) => Date.now() - running.lastSeenAt() > STALL_MS);
    if (stalled !== undefined)
      onFatal(new TransientError('SVC_ERR_STALLED', 'a consumer has shown no sign of life for a minute'));
  }, 5_000);
