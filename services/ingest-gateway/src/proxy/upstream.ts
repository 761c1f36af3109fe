/** Calls to our own services, inside the cluster: keep-alive connections, a time limit, no retries (a write may have been done). */
import { Agent, request as httpRequest } from 'node:http';
import type { ServiceName } from '@lead-flood/contracts';
import { activeTraceparent, TransientError } from '@lead-flood/kernel';
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
  readonly close: () => void;
};

type Address = { readonly host: string; readonly port: number; readonly base: string };

export function createUpstreams(config: GatewayConfig): Upstreams {
  const agent = new Agent({ keepAlive: true, maxSockets: config.UPSTREAM_SOCKETS_MAX, scheduling: 'lifo' });
  const addresses = new Map<ServiceName, Address>();
  const urls: Partial<Record<ServiceName, string | undefined>> = {
    discovery: config.DISCOVERY_URL,
    scoring: config.SCORING_URL,
    enrichment: config.ENRICHMENT_URL,
    outreach: config.OUTREACH_URL,
    'call-allocation': config.CALL_ALLOCATION_URL,
    analytics: config.ANALYTICS_URL,
  };
  for (const [service, url] of Object.entries(urls))
    if (url !== undefined) addresses.set(service as ServiceName, addressOf(url));

  return {
    call: (request) => {
      const address = addresses.get(request.service);
      if (address === undefined)
        return Promise.reject(unavailable(request.service, new Error('no address configured')));
      return send(agent, address, request, config.UPSTREAM_TIMEOUT_MS);
    },
    close: () => {
      agent.destroy();
    },
  };
}

function addressOf(url: string): Address {
  const { hostname, port, pathname } = new URL(url);
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 80 : Number(port),
    base: pathname.replace(/\/$/, ''),
  };
}

const unavailable = (service: string, cause: unknown): TransientError =>
  new TransientError('IGW_ERR_UPSTREAM_UNAVAILABLE', `${service} does not answer`, { cause });

function send(
  agent: Agent,
  { host, port, base }: Address,
  { service, method, path, headers, body }: UpstreamRequest,
  timeoutMs: number,
): Promise<UpstreamAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(deadline);
      reject(unavailable(service, error));
    };
    const traceparent = activeTraceparent();
    const known = traceparent === null ? headers : { ...headers, traceparent };
    const outgoing = httpRequest(
      {
        agent,
        host,
        port,
        method,
        path: base + path,
        headers:
          body === null ? known : { ...known, 'content-type': 'application/json', 'content-length': body.length },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', fail);
        incoming.on('end', () => {
          clearTimeout(deadline);
          resolve({
            status: incoming.statusCode ?? 502,
            contentType: incoming.headers['content-type'] ?? 'application/json; charset=utf-8',
            retryAfter: incoming.headers['retry-after'] ?? null,
            body: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks),
          });
        });
      },
    );
    // Not the socket's own timeout: that one starts only when the agent has a socket free, and behind a service that
    // hangs it never has.
    const deadline = setTimeout(() => outgoing.destroy(new Error('no answer in time')), timeoutMs);
    outgoing.on('error', fail);
    outgoing.end(body ?? undefined);
  });
}
