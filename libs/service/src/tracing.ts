/**
 * Traces, when OTEL_EXPORTER_OTLP_ENDPOINT is set; without it nothing of OpenTelemetry is loaded and nothing measured.
 *
 *   POST /v1/leads ─▶ POST /v1/leads (discovery) ─▶ header `traceparent` ─▶ perform LeadDiscovered (enrichment) ─▶ ...
 *                                                        ╰┄┄ link ┄┄ process scoring (one batch of many chains)
 *
 * A batch belongs to many traces at once: its span links to them and is nobody's child. An outside call belongs to one
 * message and is a child in that message's trace. A trace begins at a REST door; a traceparent that comes from outside
 * is not believed.
 */
import type { Performed } from '@lead-flood/processor';
import type { SharedConfig } from './config.ts';

export type RequestSpan = {
  /** Goes with every call and every event that the request causes. */
  readonly traceparent: string;
  readonly end: (status: number) => void;
};

export type Tracing = {
  /** Null while nothing is exported. `parent`: only from a caller that is ours. */
  readonly request: (name: string, parent: string | null) => RequestSpan | null;
  readonly batch: (group: string, messages: number, durationMs: number, traceparents: readonly string[]) => void;
  readonly performed: (
    group: string,
    event: string,
    durationMs: number,
    result: Performed,
    traceparent: string,
  ) => void;
  /** Sends what has not been sent. */
  readonly stop: () => Promise<void>;
};

export const noTracing: Tracing = {
  request: () => null,
  batch: () => undefined,
  performed: () => undefined,
  stop: () => Promise.resolve(),
};

export async function createTracing(
  service: string,
  config: Pick<SharedConfig, 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_TRACES_SAMPLER_ARG'>,
): Promise<Tracing> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio } = config;
  if (endpoint === undefined) return noTracing;
  const { createOtlpTracing } = await import('./tracing-otlp.ts');
  return createOtlpTracing({ service, endpoint, ratio });
}
