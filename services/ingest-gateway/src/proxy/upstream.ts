/** Calls to the services behind the gateway; no retries, since a write may have been done. */
import type { ServiceName } from '@lead-flood/contracts';
import { activeTraceparent, TransientError } from '@lead-flood/kernel';
import type { Neighbour } from '@lead-flood/provider';
import { createNeighbour } from '@lead-flood/provider';
import type { GatewayConfig } from '../config.ts';

export type UpstreamRequest = {
  readonly service: ServiceName;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
};

export type UpstreamAnswer = {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | null;
  readonly body: Buffer;
};

export type Upstreams = {
  /** Throws a TransientError IGW_ERR_UPSTREAM_UNAVAILABLE when no complete answer came. */
  readonly call: (request: UpstreamRequest) => Promise<UpstreamAnswer>;
  readonly close: () => Promise<void>;
};

export function createUpstreams(config: GatewayConfig): Upstreams {
  const bounds = { connectionsMax: config.UPSTREAM_SOCKETS_MAX, timeoutMs: config.UPSTREAM_TIMEOUT_MS };
  const urls: Partial<Record<ServiceName, string | undefined>> = {
    discovery: config.DISCOVERY_URL,
    scoring: config.SCORING_URL,
    enrichment: config.ENRICHMENT_URL,
    outreach: config.OUTREACH_URL,
    'call-allocation': config.CALL_ALLOCATION_URL,
    analytics: config.ANALYTICS_URL,
  };
  const services = new Map<string, Neighbour>(
    Object.entries(urls).flatMap(([service, url]) =>
      url === undefined ? [] : [[service, createNeighbour(url, bounds)]],
    ),
  );
  return {
    call: async ({ service, method, path, headers, body }) => {
      const neighbour = services.get(service);
      if (neighbour === undefined) throw unavailable(service, new Error('no address configured'));
      const traceparent = activeTraceparent();
      const told = {
        ...headers,
        ...(traceparent !== null && { traceparent }),
        ...(body !== null && { 'content-type': 'application/json' }),
      };
      try {
        const answer = await neighbour.call({ method, path, headers: told, body });
        return {
          status: answer.status,
          contentType: one(answer.headers['content-type']) ?? 'application/json; charset=utf-8',
          retryAfter: one(answer.headers['retry-after']),
          body: answer.body,
        };
      } catch (error) {
        throw unavailable(service, error);
      }
    },
    close: async () => {
      await Promise.all([...services.values()].map((neighbour) => neighbour.close()));
    },
  };
}

const one = (value: string | string[] | undefined): string | null => (Array.isArray(value) ? value[0] : value) ?? null;

const unavailable = (service: string, cause: unknown): TransientError =>
  new TransientError('IGW_ERR_UPSTREAM_UNAVAILABLE', `${service} does not answer`, { cause });
