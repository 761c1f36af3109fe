/**
 * A service's REST doors from its contracts: validation, principal, error envelope, ids, metrics. The gateway uses the
 * same server with its own way of finding the principal.
 */
import { randomUUID } from 'node:crypto';
import { fastify } from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Handlers, Principal, Route, Routes } from '@lead-flood/contracts';
import { ApiError, apiErrorStatus } from '@lead-flood/contracts';
import type { ApiErrorCode } from '@lead-flood/contracts';
import { CodedError, TransientError, withTraceparent } from '@lead-flood/kernel';
import { createEarlyDoor } from './early-door.ts';
import type { Log } from './log.ts';
import { logError } from './log.ts';
import type { Metrics } from './metrics.ts';
import { parse } from './payload.ts';
import type { RequestSpan, Tracing } from './tracing.ts';

const BODY_BYTES_MAX = 1_048_576;
const REQUEST_TIMEOUT_MS = 30_000;
const ID = /^[\w.:-]{1,100}$/;

export type HttpDeps = {
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'request'>;
  readonly tracing: Pick<Tracing, 'request'>;
  /** Which `ApiError` a service's own code is, e.g. `DSC_ERR_LEAD_EXISTS` -> `lead_exists`; any other is our own fault: 500. */
  readonly codes: Readonly<Record<string, ApiErrorCode>>;
  readonly door?: DoorOptions | undefined;
};

/** What differs where clients come in from outside: proxies in front of us, and older paths to the same doors. */
export type DoorOptions = {
  /** Port to listen on instead of HTTP_PORT. */
  readonly port: number;
  /** Addresses or CIDR ranges whose X-Forwarded-For is believed; empty: nobody's. */
  readonly trustProxy: readonly string[];
  readonly rewriteUrl: (url: string) => string;
};

export type HttpServer = FastifyInstance;
export type HttpRequest = FastifyRequest;
export type HttpReply = FastifyReply;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The contract behind a live route; hooks that run before the handler find it here. */
    contract?: Route;
  }
  interface FastifyRequest {
    span: RequestSpan | null;
  }
}

export function createHttpServer(deps: HttpDeps): HttpServer {
  const { door } = deps;
  const early = createEarlyDoor();
  const server = fastify({
    serverFactory: early.create,
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    // Both default to "for ever": a client that sends slowly would hold a connection as long as it likes.
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS,
    // An empty list must not reach Fastify: it would compile to "trust nobody" by accident, not by decision.
    trustProxy: door === undefined || door.trustProxy.length === 0 ? false : [...door.trustProxy],
    rewriteUrl: (request) => door?.rewriteUrl(request.url ?? '/') ?? request.url ?? '/',
    genReqId: (request) => acceptedId(request.headers['x-request-id']) ?? randomUUID(),
    // A URL that cannot be decoded is refused before any hook or error handler of ours is asked.
    frameworkErrors: (error, request, reply) => {
      tellIds(request, reply);
      void answerError(deps, error, request, reply);
    },
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 200 },
  });
  // Only JSON is read: with the text parser in place a body schema can be walked round by another content type.
  server.removeContentTypeParser('text/plain');
  server.decorateRequest('span', null);
  server.addHook('onReady', (done) => {
    early.open();
    done();
  });
  server.addHook('onRequest', (request, reply, done) => {
    const parent = request.headers['traceparent'];
    // Who comes in from outside begins a trace of ours; only our own gateway may go on with one.
    const believed = door === undefined && typeof parent === 'string' ? parent : null;
    request.span = deps.tracing.request(`${request.method} ${request.routeOptions.url ?? 'unknown'}`, believed);
    tellIds(request, reply);
    done();
  });
  // Not earlier: the body arrives by events of the socket, which know nothing of the request that waits for it.
  server.addHook('preHandler', (request, _reply, done) => {
    if (request.span === null) done();
    else withTraceparent(request.span.traceparent, done);
  });
  server.addHook('onResponse', (request, reply, done) => {
    request.span?.end(reply.statusCode);
    const route = request.routeOptions.url ?? 'unknown';
    deps.metrics.request(route, request.method, reply.statusCode, reply.elapsedTime / 1_000);
    done();
  });
  server.setErrorHandler((error: FastifyError, request, reply) => answerError(deps, error, request, reply));
  server.setNotFoundHandler((request, reply) =>
    reply
      .status(404)
      .send(envelope('not_found', `no route ${request.method} ${request.url.split('?')[0] ?? ''}`, request)),
  );
  return server;
}

function tellIds(request: FastifyRequest, reply: FastifyReply): void {
  void reply.header('x-request-id', request.id).header('x-correlation-id', correlationIdOf(request));
}

const acceptedId = (value: string | string[] | undefined): string | null =>
  typeof value === 'string' && ID.test(value) ? value : null;

/** The chain's id; an absent one becomes this request's (decision C-11). */
export const correlationIdOf = (request: FastifyRequest): string =>
  acceptedId(request.headers['x-correlation-id']) ?? request.id;

export const envelope = (code: string, message: string, request: FastifyRequest, details?: unknown): object => ({
  error: { code, message, ...(details === undefined ? {} : { details }), requestId: request.id },
});

const FASTIFY_CODES: Readonly<Record<string, readonly [ApiErrorCode, string]>> = {
  FST_ERR_BAD_URL: ['invalid_payload', 'the URL is malformed'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload_too_large', 'the body is larger than this door takes'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'this door does not read the content type that was sent'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid_payload', 'the body is empty'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid_payload', 'the body is not JSON'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_payload', 'the content length is wrong'],
};

/** Codes of the libraries that a client can bring about at any door. */
const sharedCodes: Readonly<Record<string, ApiErrorCode>> = {
  PGS_ERR_UNSTORABLE_TEXT: 'invalid_payload',
  PRC_ERR_FOREIGN_ORG: 'not_found',
};

function toApiError(deps: HttpDeps, error: Error & { code?: string; statusCode?: number }): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof TransientError)
    return new ApiError('unavailable', 'try again in a moment', { code: error.code });
  if (error instanceof CodedError) {
    const mapped = deps.codes[error.code] ?? sharedCodes[error.code];
    // What nobody has mapped says where our code broke, which is for the log; the client has the request id.
    if (mapped === undefined) return new ApiError('internal_error', 'something went wrong on our side');
    return new ApiError(mapped, error.message, { code: error.code, ...error.details });
  }
  const known = FASTIFY_CODES[error.code ?? ''];
  if (known !== undefined) return new ApiError(...known);
  if (error.statusCode === 413) return new ApiError('payload_too_large', 'the body is too large');
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return new ApiError('invalid_payload', error.message);
  return new ApiError('internal_error', 'something went wrong on our side');
}

function answerError(deps: HttpDeps, error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const api = toApiError(deps, error);
  const status = apiErrorStatus[api.code];
  if (status >= 500) {
    const ids = { requestId: request.id, correlationId: correlationIdOf(request) };
    deps.log.error({ ...ids, code: api.code, err: logError(error) }, 'request failed');
  }
  if (status === 503 && !reply.hasHeader('retry-after')) void reply.header('retry-after', '1');
  return reply.status(status).send(envelope(api.code, api.message, request, api.details));
}

/** Finds out who calls; throws `unauthorized` or `forbidden`. */
export type Authenticate = (request: FastifyRequest, route: Route) => Promise<Principal>;

/** Anonymous doors have a caller too: nobody, in no organisation. */
export const nobody: Principal = { userId: '', orgId: '', role: 'nobody', scopes: [] };

/** The exchange itself, for the few handlers that set cookies, another status, or read a stream. */
export type HttpExchange = { readonly request: FastifyRequest; readonly reply: FastifyReply };

/** `Handlers` whose members may also look at the exchange. */
export type HttpHandlers<T extends Routes> = {
  readonly [K in keyof T]: (
    request: Parameters<Handlers<T>[K]>[0],
    exchange: HttpExchange,
  ) => ReturnType<Handlers<T>[K]>;
};

/** Registers one handler per route of the table. */
export function addRoutes<T extends Routes>(
  server: HttpServer,
  routes: T,
  handlers: Handlers<T> | HttpHandlers<T>,
  authenticate: Authenticate,
): void {
  for (const [name, route] of Object.entries<Route>(routes)) {
    const handler = handlers[name] as (request: unknown, exchange: HttpExchange) => Promise<unknown>;
    server.route({
      method: route.method,
      url: route.path,
      config: { contract: route },
      handler: async (request, reply) => {
        const principal = await authenticate(request, route);
        // Before the handler, which may choose another one.
        void reply.status(route.status);
        const result = await handler(
          {
            params: parse(route.params, request.params, 'params'),
            query: parse(route.query, request.query, 'query'),
            body: parse(route.body, request.body, 'body'),
            principal,
            requestId: request.id,
            correlationId: correlationIdOf(request),
            idempotencyKey: acceptedId(request.headers['idempotency-key']),
          },
          { request, reply },
        );
        return reply.sent ? reply : reply.send(result);
      },
    });
  }
}
