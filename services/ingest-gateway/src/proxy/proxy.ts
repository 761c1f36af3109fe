/**
 * Doors of the other services: what has passed the gate goes on with a signed principal, and the answer comes back as it
 * is. The body is checked to be JSON and forwarded byte for byte; its contract is the owner's to check.
 */
import type { Route, ServiceName } from '@lead-flood/contracts';
import { allRoutes, ApiError } from '@lead-flood/contracts';
import { CodedError } from '@lead-flood/kernel';
import type { Caller } from '../auth/caller.ts';
import type { HttpReply, HttpRequest, HttpServer, PrincipalSigner } from '@lead-flood/service';
import { correlationIdOf, principalHeader } from '@lead-flood/service';
import type { Places } from '../limits/places.ts';
import type { Idempotency } from './idempotency.ts';
import { hashRequest, readIdempotencyKey } from './idempotency.ts';
import type { UpstreamAnswer, Upstreams } from './upstream.ts';

export type Forward = (
  service: ServiceName,
  method: string,
  path: string,
  from: { request: HttpRequest; caller: Caller; body?: Buffer | null },
) => Promise<UpstreamAnswer>;

export type ProxyDeps = {
  readonly forward: Forward;
  readonly callerOf: (request: HttpRequest) => Caller;
  readonly idempotency: Idempotency;
  readonly places: Places;
  /** A single lead is on its way to its owner. */
  readonly onLead: () => void;
  /** Routes with an answer of ours beside the owner's, by name. */
  readonly special: Readonly<Record<string, (request: HttpRequest) => Promise<UpstreamAnswer>>>;
};

/** Headers are written anew: whatever a client says about its identity ends here. */
export function createForward(upstreams: Upstreams, sign: PrincipalSigner): Forward {
  return async (service, method, path, { request, caller, body = null }) => {
    const key = request.headers['idempotency-key'];
    return upstreams.call({
      service,
      method,
      path,
      body,
      headers: {
        [principalHeader]: await sign(caller.principal),
        'x-request-id': request.id,
        'x-correlation-id': correlationIdOf(request),
        ...(typeof key === 'string' ? { 'idempotency-key': key } : {}),
      },
    });
  };
}

/** Every route of the table that another service owns. */
export const proxiedRoutes = (): [string, Route][] =>
  Object.entries(allRoutes).filter(([, route]) => route.service !== 'ingest-gateway');

export function addProxy(scope: HttpServer, deps: ProxyDeps): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    done(isJson(body) ? null : new ApiError('invalid_payload', 'the body is not JSON'), body);
  });
  for (const [name, route] of proxiedRoutes()) {
    const special = deps.special[name];
    scope.route({
      method: route.method,
      url: route.path,
      config: { contract: route },
      handler: async (request, reply) => {
        const leave = deps.places.enter(route.service, deps.callerOf(request).principal.orgId);
        if (leave === null)
          throw new CodedError('IGW_ERR_BUSY', `${route.service} has as many requests as it can answer in time`);
        if (name === 'createLead') deps.onLead();
        try {
          return await (special === undefined
            ? handOn(deps, route, request, reply)
            : relay(reply, await special(request)));
        } finally {
          leave();
        }
      },
    });
  }
}

async function handOn(deps: ProxyDeps, route: Route, request: HttpRequest, reply: HttpReply): Promise<HttpReply> {
  const path = upstreamPath(route, request);
  const body = Buffer.isBuffer(request.body) ? request.body : null;
  const caller = deps.callerOf(request);
  const ask = (): Promise<UpstreamAnswer> => deps.forward(route.service, route.method, path, { request, caller, body });
  const key = route.method === 'POST' ? readIdempotencyKey(request.headers['idempotency-key']) : null;
  if (key === null) return relay(reply, await ask());
  const keyed = { orgId: caller.principal.orgId, route: `${route.method} ${route.path}`, key };
  const { answer, replayed } = await deps.idempotency.once(keyed, hashRequest(path, body ?? ''), async () => {
    const { status, body: bytes, retryAfter } = await ask();
    if (retryAfter !== null) void reply.header('retry-after', retryAfter);
    return { status, body: bytes.toString('utf8') };
  });
  if (replayed) void reply.header('idempotency-replayed', 'true');
  return reply.status(answer.status).type('application/json; charset=utf-8').send(answer.body);
}

function relay(reply: HttpReply, { status, contentType, retryAfter, body }: UpstreamAnswer): HttpReply {
  if (retryAfter !== null) void reply.header('retry-after', retryAfter);
  return reply.status(status).type(contentType).send(body);
}

function isJson(body: Buffer): boolean {
  if (body.length === 0) return true;
  try {
    JSON.parse(body.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

/** Built from the template: a parameter can never add a segment, whatever its bytes decode to. */
export function upstreamPath(route: Pick<Route, 'path'>, request: Pick<HttpRequest, 'params' | 'url'>): string {
  const params = request.params as Readonly<Record<string, string>>;
  const path = route.path.replaceAll(/:(\w+)/g, (_whole, name: string) => encodeURIComponent(params[name] ?? ''));
  const query = request.url.indexOf('?');
  return query < 0 ? path : path + request.url.slice(query);
}
