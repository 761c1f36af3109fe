/**
 * Listens from the first moment on: while a service waits for its servers, whoever comes is told so and to come again. A
 * refused connection says neither, and cannot be told from a wrong address.
 *
 *   listenEarly ─▶ 503 `unavailable`, Retry-After ─▶ server.ready() ─▶ the routes ─▶ server.close()
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { ApiErrorCode } from '@lead-flood/contracts';

export type EarlyDoor = {
  /** Fastify's `serverFactory`: it sets no timeouts of such a server itself. */
  readonly create: (routes: RequestListener, timeouts: Timeouts) => Server;
  /** From now on Fastify answers. */
  readonly open: () => void;
};

type Timeouts = {
  readonly connectionTimeout?: number;
  readonly keepAliveTimeout?: number;
  readonly requestTimeout?: number;
};

export function createEarlyDoor(): EarlyDoor {
  let isOpen = false;
  return {
    create: (routes, { connectionTimeout, keepAliveTimeout, requestTimeout }) =>
      createServer({ keepAliveTimeout, requestTimeout }, (request, response) => {
        if (isOpen) routes(request, response);
        else comeAgain(request, response);
      }).setTimeout(connectionTimeout),
    open: () => {
      isOpen = true;
    },
  };
}

function comeAgain({ url }: IncomingMessage, response: ServerResponse): void {
  const requestId = randomUUID();
  const code: ApiErrorCode = 'unavailable';
  const [status, body] =
    url === '/health'
      ? [200, { status: 'ok' }]
      : [503, { error: { code, message: 'the service is starting; try again in a moment', requestId } }];
  response
    .writeHead(status, {
      'content-type': 'application/json',
      'x-request-id': requestId,
      'retry-after': '1',
      connection: 'close',
    })
    .end(JSON.stringify(body));
}

/** Resolves with the port. Fastify's own `listen` first waits for every route. */
export async function listenEarly(server: FastifyInstance, at: { host: string; port: number }): Promise<number> {
  const raw = server.server;
  raw.listen(at.port, at.host);
  // Throws what keeps it from listening, a port that is taken.
  await once(raw, 'listening');
  // Fastify ends only what it has begun to listen on. The routes are closed by now; what is under way is waited for.
  server.addHook('preClose', (done) => {
    raw.close(() => {
      done();
    });
  });
  return (raw.address() as AddressInfo).port;
}
