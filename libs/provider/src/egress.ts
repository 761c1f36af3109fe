/**
 * The only way out over HTTP: one guarded undici agent with limits on time, size and connections. It follows no
 * redirect; a 3xx comes back as an answer. For calls to a paid provider use provider.ts, which adds quota, breaker
 * and retries; this alone serves addresses that a customer typed in (webhooks, pages).
 */
import { isIP } from 'node:net';
import { CodedError, toError } from '@lead-flood/kernel';
import { Agent } from 'undici';
import { mayConnect } from './address.ts';
import { createConnector, forbidden, systemResolver } from './connector.ts';
import type { Resolver } from './connector.ts';
import { exchange } from './exchange.ts';
import type { Exchanged, ExchangeRequest } from './exchange.ts';

export type EgressOptions = {
  /** Loopback and private networks too: the sandbox, never a customer's address. Metadata services stay closed. */
  readonly allowPrivate?: boolean;
  /** Connections to one origin, and so calls at once; more wait. Default 32: enough for thousands of quick calls a second. */
  readonly concurrencyMax?: number;
  /** Default 10,000: a provider that needs longer is ill, and each call holds one of the few places. */
  readonly timeoutMs?: number;
  /** Default 3,000: a lost first packet is sent again after one second, and may still be answered. */
  readonly connectTimeoutMs?: number;
  /** Default 1 MiB: far more than a provider answers, and a page still fits. */
  readonly bodyBytesMax?: number;
  readonly resolve?: Resolver;
};

export type Target = { readonly origin: string; readonly path: string };

export type EgressRequest = Pick<ExchangeRequest, 'method' | 'signal'> & {
  readonly headers?: Record<string, string>;
  readonly body?: string | null;
  readonly timeoutMs?: number;
};

export type Egress = {
  /** Checks scheme, credentials, port and a literal address; names are checked when they are dialled. Throws CodedError. */
  readonly target: (url: string) => Target;
  /** Any complete answer, whatever its status; throws TransientError (see `ambiguous`) or CodedError. */
  readonly send: (target: Target, request: EgressRequest) => Promise<Exchanged>;
  /** Waits for calls under way, then closes the connections. */
  readonly stop: () => Promise<void>;
};

export function createEgress(options: EgressOptions = {}): Egress {
  const { allowPrivate = false, concurrencyMax = 32, timeoutMs = 10_000, bodyBytesMax = 1_048_576 } = options;
  const { connectTimeoutMs = 3_000, resolve = systemResolver } = options;
  const agent = new Agent({
    connect: createConnector({ allowPrivate, resolve, connectTimeoutMs }),
    connections: concurrencyMax,
    // a second request on a connection would wait behind a slow first one and share its fate
    pipelining: 1,
    // undici's own clocks are the second net behind our timer, which is exact and covers the whole exchange
    headersTimeout: timeoutMs + 1_000,
    bodyTimeout: timeoutMs + 1_000,
    maxResponseSize: bodyBytesMax + 65_536,
    allowH2: false,
  });
  return {
    target: (url) => readTarget(url, allowPrivate),
    send: (target, request) =>
      exchange(agent, {
        origin: target.origin,
        path: target.path,
        method: request.method,
        headers: request.headers ?? {},
        body: request.body ?? null,
        signal: request.signal,
        timeoutMs: request.timeoutMs ?? timeoutMs,
        bodyBytesMax,
      }),
    stop: () => agent.close(),
  };
}

/** Other ports of a public host are no web service that anybody has to reach, but may be an internal one behind NAT. */
const PUBLIC_PORTS: ReadonlySet<string> = new Set(['', '80', '443']);

function readTarget(text: string, allowPrivate: boolean): Target {
  const refuse = (why: string, cause?: Error): never => {
    throw new CodedError('PRV_ERR_BAD_REQUEST', why, cause === undefined ? {} : { cause });
  };
  let url: URL;
  try {
    // the WHATWG parser rewrites decimal, hex, octal, short and circled-digit addresses to the dotted form
    url = new URL(text);
  } catch (error) {
    return refuse('not a URL', toError(error));
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') refuse('only http and https');
  if (url.username !== '' || url.password !== '') refuse('no credentials in a URL');
  if (!allowPrivate && !PUBLIC_PORTS.has(url.port)) refuse('only ports 80 and 443');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !mayConnect(host, allowPrivate)) throw forbidden(host, host);
  // whatever the resolver makes of them: some answer `localhost.` differently from `localhost`
  if (!allowPrivate && /(?:^|\.)localhost\.?$/.test(host)) throw forbidden(host, host);
  return { origin: url.origin, path: url.pathname + url.search };
}
