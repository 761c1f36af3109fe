/**
 * Signed posts from outside: the signature over the raw bytes first, then the contract, then the event and what follows
 * from it in one transaction. 202 = taken, 200 = a repeat; only a fault of ours makes the sender try again.
 */
import type { EventName, Events } from '@lead-flood/contracts';
import { ApiError, gatewayRoutes } from '@lead-flood/contracts';
import type { Codec } from '@lead-flood/kafka';
import { activeTraceparent, CodedError, derivedId, invariant } from '@lead-flood/kernel';
import type { Database, OutboxMessage } from '@lead-flood/postgres';
import { encodeEvent } from '@lead-flood/processor';
import type { HttpExchange, HttpHandlers, HttpRequest, HttpServer } from '@lead-flood/service';
import { addRoutes, createMailThreadIds, nobody } from '@lead-flood/service';
import type { GatewayConfig } from '../config.ts';
import type { WebhookEvent } from './event-store.ts';
import { acceptEvent } from './event-store.ts';
import { toReply } from './mail-reply.ts';
import type { SignedHeaders } from './signature.ts';
import { verifySignature } from './signature.ts';
import { toCallReported } from './yay-call.ts';

export type WebhookDeps = {
  readonly config: GatewayConfig;
  readonly database: Database;
  readonly codec: Codec;
  readonly wakeRelay: () => void;
  readonly now: () => number;
};

const { yayWebhook, mailWebhook } = gatewayRoutes;
const routes = { yayWebhook, mailWebhook };

type Post = { readonly raw: Buffer; readonly eventId: string };

export function addWebhookDoors(server: HttpServer, deps: WebhookDeps): void {
  const posts = new WeakMap<HttpRequest, Post>();
  const postOf = (request: HttpRequest): Post => {
    const post = posts.get(request);
    invariant(post !== undefined, 'the body is read before the handler runs');
    return post;
  };
  server.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, raw: Buffer, parsed) => {
      try {
        const eventId = verifySignature(raw, signedHeaders(request), secretsOf(deps.config, request), deps.now());
        posts.set(request, { raw, eventId });
        parsed(null, JSON.parse(raw.toString('utf8')));
      } catch (error) {
        parsed(error instanceof CodedError ? error : new ApiError('invalid_payload', 'the body is not JSON'));
      }
    });
    // Without a body no parser runs, and nobody has checked anything.
    addRoutes(scope, routes, handlers(deps, postOf), (request) =>
      posts.has(request)
        ? Promise.resolve(nobody)
        : Promise.reject(new CodedError('IGW_ERR_SIGNATURE_MISSING', 'send a signed JSON body')),
    );
    done();
  });
}

const prefixOf = (request: HttpRequest): 'x-yay' | 'x-mail' =>
  request.routeOptions.url === yayWebhook.path ? 'x-yay' : 'x-mail';

function signedHeaders(request: HttpRequest): SignedHeaders {
  const { headers } = request;
  const prefix = prefixOf(request);
  return {
    signature: headers[`${prefix}-signature`],
    timestamp: headers[`${prefix}-timestamp`],
    eventId: headers[`${prefix}-event-id`],
  };
}

const secretsOf = (config: GatewayConfig, request: HttpRequest): readonly (string | undefined)[] =>
  prefixOf(request) === 'x-yay'
    ? [config.YAY_WEBHOOK_SECRET, config.YAY_WEBHOOK_SECRET_PREVIOUS]
    : [config.MAIL_WEBHOOK_SECRET];

const handlers = (
  deps: WebhookDeps,
  postOf: (request: HttpRequest) => Post,
  readThread = threadReader(deps.config),
): HttpHandlers<typeof routes> => ({
  yayWebhook: async ({ body, correlationId }, exchange) => {
    const { raw, eventId } = postOf(exchange.request);
    const { DEFAULT_ORG_ID: orgId } = deps.config;
    const event = toCallReported(body, eventId, orgId);
    const messages =
      event === null ? [] : [encode(deps.codec, 'CallReported', event, derivedId('yay', eventId), correlationId)];
    return accept(
      deps,
      { provider: 'yay', eventId, orgId, outcome: event === null ? 'ignored' : 'accepted', raw, messages },
      exchange,
    );
  },
  mailWebhook: async ({ body, correlationId }, exchange) => {
    const { raw, eventId } = postOf(exchange.request);
    // The header is not signed; the body's is.
    if (body.eventId !== eventId)
      throw new CodedError('IGW_ERR_EVENT_ID_MISMATCH', 'x-mail-event-id is not the eventId of the body');
    const reply = await toReply(body, readThread);
    const messages = reply === null ? [] : [encode(deps.codec, 'ReplyReceived', reply, reply.replyId, correlationId)];
    return accept(
      deps,
      {
        provider: 'mail',
        eventId,
        orgId: reply?.orgId ?? null,
        outcome: reply === null ? 'unmatched' : 'accepted',
        raw,
        messages,
      },
      exchange,
    );
  },
});

function encode<N extends 'CallReported' | 'ReplyReceived'>(
  codec: Codec,
  name: N & EventName,
  data: Events[N],
  id: string,
  correlationId: string,
): OutboxMessage {
  const event = { name, data } as Parameters<typeof encodeEvent>[1];
  return encodeEvent(codec, event, {
    cause: { id, orgId: data.orgId, correlationId, traceparent: activeTraceparent() },
    group: 'ingest-gateway',
    ordinal: 0,
    version: null,
  });
}

async function accept(
  deps: WebhookDeps,
  event: WebhookEvent,
  { reply }: HttpExchange,
): Promise<{ status: Awaited<ReturnType<typeof acceptEvent>> }> {
  const status = await acceptEvent(deps.database, event);
  if (status === 'duplicate') void reply.status(200);
  else deps.wakeRelay();
  return { status };
}

/** Without a secret no mail comes in (config.ts), so nothing can be ours. */
function threadReader({
  MAIL_THREAD_SECRET: secret,
  MAIL_THREAD_SECRET_PREVIOUS: previous,
  MAIL_DOMAIN: domain,
}: GatewayConfig) {
  return secret === undefined ? () => null : createMailThreadIds({ secret, previous, domain }).read;
}
