// Puts the sandbox together: one HTTP server for providers and control, one SMTP server, one accept log. Plain
// node:http with a map of paths: with a framework in between, a lookup costs more than the answer is worth.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ZodError } from 'zod';
import { AcceptLog } from './accept-log.ts';
import { Ndjson, control } from './control.ts';
import type { Parts } from './control.ts';
import { Deliveries } from './deliveries.ts';
import { Door, send } from './door.ts';
import type { ProviderRoute } from './door.ts';
import { MailSink } from './mail.ts';
import { apolloMatch } from './providers/apollo.ts';
import { hunterFinder, hunterVerifier } from './providers/hunter.ts';
import { peopleDataLabsEnrich } from './providers/people-data-labs.ts';
import { trengoSession } from './providers/trengo.ts';
import { initialSettings } from './settings.ts';
import type { StartSettings } from './settings.ts';

export interface SandboxOptions extends StartSettings {
  /** 0 or absent: any free one */
  readonly httpPort?: number;
  readonly smtpPort?: number;
  /** default 127.0.0.1 */
  readonly host?: string;
  /** NDJSON, appended to; absent: memory only */
  readonly logFile?: string;
  /** whole number; another one gives other hits, statuses and replies for the same questions; default 1 */
  readonly seed?: number;
}

export interface Sandbox {
  readonly httpUrl: string;
  readonly smtpUrl: string;
  /** Ends within a second; the log file is complete afterwards. */
  stop(): Promise<void>;
}

const bodyBytesMax = 1_000_000;
const providerRoutes = new Map<string, ProviderRoute>(
  [apolloMatch, hunterFinder, hunterVerifier, peopleDataLabsEnrich, trengoSession].map((route) => [
    `${route.method} ${route.path}`,
    route,
  ]),
);

/** Rejects when a port is taken. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { httpPort = 0, smtpPort = 0, host = '127.0.0.1', logFile, seed = 1 } = options;
  const log = new AcceptLog(logFile);
  const deliveries = new Deliveries();
  const settings = initialSettings(options);
  const door = new Door(log, () => parts.settings, seed);
  const mail = new MailSink(log, deliveries, () => parts.settings.mail, seed);
  const parts: Parts = { log, deliveries, door, mail, start: options, settings };

  const server = createServer((request, response) => receive(parts, request, response));
  // callers keep connections open between bursts; closing them first would look like a fault of the provider
  server.keepAliveTimeout = 65_000;
  const stop = async (): Promise<void> => {
    deliveries.reset();
    await Promise.all([close(server), mail.close()]);
    await log.close();
  };
  try {
    const http = await listen(server, httpPort, host);
    const smtp = await mail.listen(smtpPort, host);
    return { httpUrl: `http://${host}:${http}`, smtpUrl: `smtp://${host}:${smtp}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function receive(parts: Parts, request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'GET') return answer(parts, request, response, undefined);
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= bodyBytesMax) chunks.push(chunk);
  });
  request.on('end', () => {
    if (bytes > bodyBytesMax) return send(response, 413, '{"error":"too_large"}');
    const [first] = chunks;
    const text = chunks.length === 1 && first !== undefined ? first.toString() : Buffer.concat(chunks).toString();
    answer(parts, request, response, text);
  });
}

function answer(parts: Parts, request: IncomingMessage, response: ServerResponse, text: string | undefined): void {
  const { method = 'GET', url = '/', headers } = request;
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  const body = parseJson(text);
  const route = providerRoutes.get(`${method} ${path}`);
  if (route !== undefined) return parts.door.serve(route, { headers, query, body }, response);
  try {
    const reply = control(parts, method, path, query, body);
    if (reply === undefined) send(response, 404, '{"error":"not_found"}');
    else if (reply.body instanceof Ndjson)
      send(response, 200, reply.body.text, { 'content-type': 'application/x-ndjson' });
    else send(response, reply.status, JSON.stringify(reply.body));
  } catch (error) {
    // URIError: a message id that is badly percent-encoded
    if (error instanceof ZodError) send(response, 400, JSON.stringify({ error: 'invalid', issues: error.issues }));
    else if (error instanceof URIError) send(response, 400, '{"error":"invalid"}');
    else throw error;
  }
}

/** Undefined for no body, null for a body that is not JSON: the routes answer that in their own words. */
function parseJson(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
