/** Headers that make browsers careful (helmet) and the list of pages that may call us (CORS); only the public door needs them. */
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import type { HttpServer } from './http.ts';

const PREFLIGHT_SECONDS = 600;

/** `origins`: exact origins that may send cookies; empty: none. */
export async function addBrowserGuards(server: HttpServer, origins: readonly string[]): Promise<void> {
  await server.register(helmet, {
    // An API answers data: nothing in an answer may load, run or be framed.
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  });
  await server.register(cors, {
    origin: [...origins],
    credentials: true,
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: [
      'x-request-id',
      'x-correlation-id',
      'x-ratelimit-limit',
      'x-ratelimit-remaining',
      'x-ratelimit-reset',
      'retry-after',
      'idempotency-replayed',
    ],
    maxAge: PREFLIGHT_SECONDS,
  });
}
