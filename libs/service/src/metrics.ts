/** Prometheus metrics on their own port: what the processor tells about itself, the relay and HTTP. Labels are bounded. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { topics } from '@lead-flood/contracts';
import type { Telemetry } from '@lead-flood/processor';
import type { Readiness } from './health.ts';
import { readinessBody } from './health.ts';
import type { Log } from './log.ts';
import type { Tracing } from './tracing.ts';
import { logError } from './log.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type Metrics = {
  readonly registry: Registry;
  readonly telemetry: Telemetry;
  readonly published: (count: number) => void;
  /** A service's own metrics: `leadflood_<component>_<noun>_<unit>[_total]`, bounded labels. */
  readonly counter: (name: string, help: string, labelNames: readonly string[]) => Counter;
  readonly gauge: (name: string, help: string, labelNames: readonly string[]) => Gauge;
  readonly request: (route: string, method: string, status: number, seconds: number) => void;
};

export function createMetrics(service: string, log: Log, tracing: Pick<Tracing, 'batch' | 'performed'>): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  // The default looks at the event loop every 10 ms, idle or not.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  const registers = [registry];
  const { messages, batches, batchSize, lag, inFlight, errors, published, requests } = createInstruments(registers);
  return {
    registry,
    counter: (name, help, labelNames) => new Counter({ name, help, labelNames, registers }),
    gauge: (name, help, labelNames) => new Gauge({ name, help, labelNames, registers }),
    published: (count) => {
      published.inc(count);
    },
    request: (route, method, status, seconds) => {
      requests.observe({ route, method, status }, seconds);
    },
    telemetry: {
      outcome: (group, topic, outcome, reason) => {
        messages.inc({ group, topic: Object.hasOwn(topics, topic) ? topic : 'other', outcome, reason });
      },
      batch: (group, size, ms, traceparents) => {
        tracing.batch(group, size, ms, traceparents);
        batches.observe({ group }, ms / 1_000);
        batchSize.observe({ group }, size);
      },
      performed: tracing.performed,
      lag: (group, topic, partition, count) => {
        lag.set({ group, topic, partition }, count);
      },
      inFlight: (group, count) => {
        inFlight.set({ group }, count);
      },
      error: (group, error, what) => {
        errors.inc({ group, code: 'code' in error && typeof error.code === 'string' ? error.code : error.name });
        log.warn({ group, what, err: logError(error) }, what);
      },
    },
  };
}

/** What every service measures. */
function createInstruments(registers: Registry[]) {
  return {
    messages: new Counter({
      name: 'leadflood_processor_messages_total',
      help: 'Messages by what became of them',
      labelNames: ['group', 'topic', 'outcome', 'reason'],
      registers,
    }),
    batches: new Histogram({
      name: 'leadflood_processor_batch_seconds',
      help: 'Time of one transaction',
      labelNames: ['group'],
      buckets: SECONDS,
      registers,
    }),
    batchSize: new Histogram({
      name: 'leadflood_processor_batch_messages',
      help: 'Messages of one transaction',
      labelNames: ['group'],
      buckets: [1, 3, 10, 30, 100, 300, 1_000],
      registers,
    }),
    lag: new Gauge({
      name: 'leadflood_processor_lag_messages',
      help: 'Messages behind the end of the partition',
      labelNames: ['group', 'topic', 'partition'],
      registers,
    }),
    inFlight: new Gauge({
      name: 'leadflood_processor_in_flight_messages',
      help: 'Messages with the outside world',
      labelNames: ['group'],
      registers,
    }),
    errors: new Counter({
      name: 'leadflood_processor_errors_total',
      help: 'Faults by code',
      labelNames: ['group', 'code'],
      registers,
    }),
    published: new Counter({
      name: 'leadflood_relay_published_messages_total',
      help: 'Outbox messages stored by the broker',
      registers,
    }),
    requests: new Histogram({
      name: 'leadflood_http_request_seconds',
      help: 'Requests by route and status',
      labelNames: ['route', 'method', 'status'],
      buckets: SECONDS,
      registers,
    }),
  };
}

export type OperationsServer = { readonly port: number; readonly close: () => Promise<void> };

type Page = { status: number; type: string; text: string };

/**
 * What operators and probes ask, on a port of its own that answers from the first moment on: a service that still waits
 * for its database is alive and not ready.
 */
export async function serveOperations(
  registry: Registry,
  { ready, status }: { ready: () => Promise<Readiness>; status: () => Promise<object> },
  at: { host: string; port: number },
): Promise<OperationsServer> {
  const json = (status: number, body: object): Page => ({
    status,
    type: 'application/json',
    text: JSON.stringify(body),
  });
  const pages: Readonly<Record<string, () => Promise<Page>>> = {
    '/metrics': async () => ({ status: 200, type: registry.contentType, text: await registry.metrics() }),
    '/health': () => Promise.resolve(json(200, { status: 'ok' })),
    '/status': async () => json(200, await status()),
    '/ready': async () => {
      const readiness = await ready();
      return json(readiness.ready ? 200 : 503, readinessBody(readiness));
    },
  };
  const server = createServer((request, response) => {
    const page = pages[request.url ?? ''] ?? (() => Promise.resolve(json(404, { error: { code: 'not_found' } })));
    page().then(
      ({ status, type, text }) => response.writeHead(status, { 'content-type': type }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(at.port, at.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
