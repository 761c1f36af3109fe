// A webhook receiver for the tests of this folder: collects what the sandbox posts, lets a test wait for it without
// sleeping, and can refuse the first posts.
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly raw: Buffer;
}

export interface Receiver {
  readonly deliverTo: { readonly url: string; readonly secret: string };
  /** answers 503 to the next posts */
  refuseNext(count: number): void;
  /** resolves when `count` posts were taken, in the order of arrival */
  taken(count: number): Promise<readonly Received[]>;
  readonly refused: () => number;
  stop(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const waiting: { count: number; resolve: (all: readonly Received[]) => void }[] = [];
  let toRefuse = 0;
  let refused = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (toRefuse > 0) {
        toRefuse -= 1;
        refused += 1;
        response.writeHead(503).end();
        return;
      }
      received.push({ headers: request.headers, raw: Buffer.concat(chunks) });
      response.writeHead(204).end();
      for (const { count, resolve } of waiting) if (received.length >= count) resolve(received);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    deliverTo: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, secret: 'webhook-secret' },
    refuseNext: (count) => {
      toRefuse = count;
    },
    taken: (count) =>
      received.length >= count ? Promise.resolve(received) : new Promise((resolve) => waiting.push({ count, resolve })),
    refused: () => refused,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export function signatureOf(raw: Buffer, secret: string): string {
  return createHmac('sha256', secret).update(raw).digest('hex');
}

/** GET or, with a body, another method; the answer's status and JSON. */
export async function call(url: string, method = 'GET', body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

/** The accept log as objects. */
export async function logOf(httpUrl: string, after = 0): Promise<Record<string, unknown>[]> {
  const text = await (await fetch(`${httpUrl}/_control/log?after=${after}`)).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
