/** What a process tells of itself from its first moment on: its server, health, metrics and status. */
import type { z } from 'zod';
import type { Running, Startable, Telemetry } from '@lead-flood/processor';
import type { SharedConfig } from './config.ts';
import { listenEarly } from './early-door.ts';
import type { Check } from './health.ts';
import { addHealth, readiness } from './health.ts';
import type { HttpServer } from './http.ts';
import { createHttpServer } from './http.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { createMetrics, serveOperations } from './metrics.ts';
import type { ServiceDefinition, ServiceParts } from './definition.ts';
import type { ServiceStatus, StatusBoard } from './status.ts';
import { createStatusBoard } from './status.ts';
import { createTracing } from './tracing.ts';

/** How far the start has come; filled while it goes on. */
export type Progress = {
  ready: boolean;
  waitingFor: string;
  running: readonly { readonly startable: Startable; readonly running: Running }[];
  parts: ServiceParts | null;
};

export type Operations = {
  readonly server: HttpServer;
  readonly metrics: Metrics;
  readonly telemetry: Telemetry;
  readonly board: StatusBoard;
  readonly progress: Progress;
  /** What `/ready` asks; more are pushed as the start goes on. */
  readonly checks: Check[];
  readonly status: () => Promise<ServiceStatus>;
  readonly port: number;
  readonly metricsPort: number;
  readonly stop: () => Promise<void>;
};

/** The server listens and answers 503 until the service is ready. */
export async function openOperations<T extends z.ZodObject>(
  definition: ServiceDefinition<T>,
  config: z.infer<T> & SharedConfig,
  log: Log,
): Promise<Operations> {
  const tracing = await createTracing(definition.name, config);
  const metrics = createMetrics(definition.name, log, tracing);
  const door = definition.door?.(config);
  const server = createHttpServer({ log, metrics, tracing, codes: definition.errorCodes, door });
  const board = createStatusBoard();
  const progress: Progress = { ready: false, waitingFor: 'start', running: [], parts: null };
  const checks: Check[] = [startCheck(progress)];
  const status = createStatus(definition, { board, progress, checks });
  const port = await listenEarly(server, { host: config.HTTP_HOST, port: door?.port ?? config.HTTP_PORT });
  addHealth(server, checks);
  // Where clients come in from outside, nobody but the operations port tells this.
  if (door === undefined) server.get('/status', status);
  const operations = await serveOperations(
    metrics.registry,
    { ready: () => readiness(checks), status },
    { host: config.HTTP_HOST, port: config.METRICS_PORT },
  );
  return {
    server,
    metrics,
    telemetry: board.watch(metrics.telemetry),
    board,
    progress,
    checks,
    status,
    port,
    metricsPort: operations.port,
    stop: async () => {
      await operations.close();
      await tracing.stop();
    },
  };
}

const startCheck = (progress: Progress): Check => ({
  name: 'start',
  run: () =>
    progress.ready
      ? undefined
      : Promise.reject(Object.assign(new Error('starting'), { code: `waiting for ${progress.waitingFor}` })),
});

function createStatus(
  { name, schema }: { readonly name: string; readonly schema: string },
  { board, progress, checks }: { board: StatusBoard; progress: Progress; checks: readonly Check[] },
): () => Promise<ServiceStatus> {
  const startedAt = new Date().toISOString();
  return async () => {
    const { ready, checks: told } = await readiness(checks);
    return {
      service: name,
      schema,
      startedAt,
      ready,
      waitingFor: progress.ready ? null : progress.waitingFor,
      checks: told,
      processors: progress.running.map(({ startable, running }) => board.processor(startable, running)),
      relay: board.relay(),
      breakers: progress.parts?.breakers?.() ?? {},
    };
  };
}
