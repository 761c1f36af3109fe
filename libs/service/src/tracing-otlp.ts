/** The OpenTelemetry side of tracing.ts, and the one file that knows the messaging names, which are still in development. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Context, Span, SpanContext } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Sampler } from '@opentelemetry/sdk-trace';
import type { Tracing } from './tracing.ts';

const LINKS_MAX = 128;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const SAMPLED = 1;

export function createOtlpTracing(options: { service: string; endpoint: string; ratio: number }): Tracing {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.service, 'service.namespace': 'leadflood' }),
    sampler: sampler(options.ratio),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${options.endpoint.replace(/\/$/, '')}/v1/traces` }),
      }),
    ],
  });
  const tracer = provider.getTracer('leadflood');
  return {
    request(name, parent) {
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, contextOf(parent));
      return {
        traceparent: traceparentOf(span),
        end: (status) => {
          span.setAttribute('http.response.status_code', status);
          if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
    batch(group, messages, durationMs, traceparents) {
      const links = sampledContexts(traceparents).map((context) => ({ context }));
      if (links.length === 0) return;
      const now = Date.now();
      tracer
        .startSpan(
          `process ${group}`,
          {
            kind: SpanKind.CONSUMER,
            startTime: now - durationMs,
            links,
            attributes: {
              'messaging.system': 'kafka',
              'messaging.operation.type': 'process',
              'messaging.consumer.group.name': group,
              'messaging.batch.message_count': messages,
            },
          },
          ROOT_CONTEXT,
        )
        .end(now);
    },
    performed(group, event, durationMs, result, traceparent) {
      const now = Date.now();
      const span = tracer.startSpan(
        `perform ${event}`,
        {
          kind: SpanKind.CLIENT,
          startTime: now - durationMs,
          attributes: { 'messaging.consumer.group.name': group, 'leadflood.result': result },
        },
        contextOf(traceparent),
      );
      if (result === 'refused') span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(now);
    },
    stop: () => provider.shutdown(),
  };
}

/** A request starts a trace with the given probability; a batch is kept when any chain that it links to is. */
function sampler(ratio: number): Sampler {
  const byParent = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  return {
    shouldSample: (context, traceId, name, kind, attributes, links) =>
      links.length > 0
        ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
        : byParent.shouldSample(context, traceId, name, kind, attributes, links),
    toString: () => `LeadFlood(${byParent.toString()})`,
  };
}

function spanContextOf(traceparent: string): SpanContext | null {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function contextOf(traceparent: string | null): Context {
  const context = traceparent === null ? null : spanContextOf(traceparent);
  return context === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context);
}

/** The distinct chains, as many as a span may link to. */
function sampledContexts(traceparents: readonly string[]): SpanContext[] {
  return [...new Set(traceparents)].slice(0, LINKS_MAX).flatMap((traceparent) => {
    const context = spanContextOf(traceparent);
    return context === null || (context.traceFlags & SAMPLED) === 0 ? [] : [context];
  });
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}
