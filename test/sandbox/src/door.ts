// The way of one request through a provider: key, fault, idempotency, answer, log, latency. The providers only say
// what they accept and how their bodies look.
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AcceptLog } from './accept-log.ts';
import { createRandom, hash } from './seed.ts';
import type { ProviderName, ProviderSettings, Settings } from './settings.ts';

export interface Ask {
  readonly headers: IncomingHttpHeaders;
  readonly query: URLSearchParams;
  /** parsed JSON; undefined when there was none, null when it was not JSON */
  readonly body: unknown;
}

export type Reply =
  | { readonly kind: 'invalid'; readonly status: number; readonly body: unknown }
  | {
      readonly kind: 'accepted';
      readonly subject: string;
      readonly outcome: 'hit' | 'miss' | 'sent';
      readonly status: number;
      readonly body: unknown;
      /** micro US dollars */
      readonly price: number;
    };

export type Refusal = 'wrong-key' | 'rate-limited' | 'failed';

export interface ProviderRoute {
  readonly provider: ProviderName;
  readonly operation: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** by which this provider says "too fast"; default 429 */
  readonly rateLimitStatus?: number;
  /** the key that came with the request, wherever this provider wants it */
  key(ask: Ask): string | undefined;
  /** `serial` counts the requests of this provider, for the ids in answers */
  answer(ask: Ask, settings: ProviderSettings, seed: number, serial: number): Reply;
  /** the provider's own words for a request turned away; a string is sent as plain text */
  refuse(refusal: Refusal, status: number): unknown;
}

interface Sent {
  readonly status: number;
  readonly text: string;
}

/** Answers remembered for repeated idempotency keys, over all providers; the oldest are dropped. */
const rememberedMax = 100_000;

export class Door {
  readonly #log: AcceptLog;
  readonly #settings: () => Settings;
  readonly #seed: number;
  readonly #remembered = new Map<string, Sent>();
  #draw: () => number;
  #serial = 0;

  constructor(log: AcceptLog, settings: () => Settings, seed: number) {
    this.#log = log;
    this.#settings = settings;
    this.#seed = seed;
    this.#draw = createRandom(hash(`door ${seed}`));
  }

  /** Answers one request; everything but the wait happens synchronously, so a key is never accepted twice. */
  serve(route: ProviderRoute, ask: Ask, response: ServerResponse): void {
    const settings = this.#settings().providers[route.provider];
    const refused = this.#refusal(route, ask, settings);
    if (refused !== undefined) return this.#refuse(route, settings, response, refused);

    const header = ask.headers['idempotency-key'];
    const idempotencyKey = typeof header === 'string' && header !== '' ? header : undefined;
    const memory = settings.dedupe && idempotencyKey !== undefined ? `${route.path} ${idempotencyKey}` : undefined;
    const before = memory === undefined ? undefined : this.#remembered.get(memory);
    if (before !== undefined) {
      this.#log.repeat(route.provider);
      return this.#after(settings, response, () => send(response, before.status, before.text));
    }

    this.#serial += 1;
    const reply = route.answer(ask, settings, this.#seed, this.#serial);
    const sent: Sent = { status: reply.status, text: JSON.stringify(reply.body) };
    if (reply.kind === 'invalid') {
      this.#log.refuse(route.provider, 'invalid');
      return this.#after(settings, response, () => send(response, sent.status, sent.text));
    }
    const broken = settings.mode === 'reset' || settings.mode === 'garbage' || settings.mode === 'lost';
    this.#log.accept({
      provider: route.provider,
      operation: route.operation,
      subject: reply.subject,
      idempotencyKey,
      outcome: broken ? settings.mode : reply.outcome,
      price: reply.price,
    });
    if (memory !== undefined) this.#remember(memory, sent);
    const { mode } = settings;
    this.#after(settings, response, () => deliver(mode, response, sent));
  }

  reset(): void {
    this.#remembered.clear();
    this.#draw = createRandom(hash(`door ${this.#seed}`));
  }

  #refusal(route: ProviderRoute, ask: Ask, settings: ProviderSettings): Refusal | undefined {
    const key = route.key(ask) ?? '';
    if (key === '' || (settings.apiKey !== null && key !== settings.apiKey)) return 'wrong-key';
    if (settings.mode === 'rate-limited') return 'rate-limited';
    if (settings.mode === 'down') return 'failed';
    return settings.errorRate > 0 && this.#draw() < settings.errorRate ? 'failed' : undefined;
  }

  #refuse(route: ProviderRoute, settings: ProviderSettings, response: ServerResponse, refusal: Refusal): void {
    this.#log.refuse(route.provider, refusal);
    const status = { 'wrong-key': 401, 'rate-limited': route.rateLimitStatus ?? 429, failed: settings.failStatus }[
      refusal
    ];
    const body = route.refuse(refusal, status);
    const retryAfter =
      refusal === 'rate-limited' || (refusal === 'failed' && (status === 429 || status === 503))
        ? { 'retry-after': String(settings.retryAfterSeconds) }
        : {};
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
    this.#after(settings, response, () => send(response, status, text, { ...retryAfter, 'content-type': type }));
  }

  #after(settings: ProviderSettings, response: ServerResponse, write: () => void): void {
    const waitMs = settings.mode === 'slow' ? settings.slowMs : this.#latencyMs(settings.latencyMs);
    if (waitMs === 0) return write();
    const timer = setTimeout(write, waitMs);
    // a caller that gave up needs no answer, and a stopping server no timers
    response.once('close', () => clearTimeout(timer));
  }

  /** Log-normal: half of the answers within p50, 99 of 100 within p99 (2.326 standard deviations). */
  #latencyMs({ p50, p99 }: ProviderSettings['latencyMs']): number {
    if (p50 === 0 || p99 === p50) return p99;
    const normal = Math.sqrt(-2 * Math.log(1 - this.#draw())) * Math.cos(2 * Math.PI * this.#draw());
    return p50 * Math.exp((Math.log(p99 / p50) / 2.326) * normal);
  }

  #remember(key: string, sent: Sent): void {
    this.#remembered.set(key, sent);
    const oldest = this.#remembered.size > rememberedMax ? this.#remembered.keys().next().value : undefined;
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}

function deliver(mode: ProviderSettings['mode'], response: ServerResponse, { status, text }: Sent): void {
  if (mode === 'lost') {
    response.socket?.destroy();
  } else if (mode === 'reset') {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    // only when the half is out: a caller sees a body that breaks off, not a refused connection
    response.write(text.slice(0, text.length >> 1), () => response.socket?.destroy());
  } else if (mode === 'garbage') {
    send(response, status, `${text.slice(0, text.length >> 1)}<html>`);
  } else {
    send(response, status, text);
  }
}

export function send(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}
