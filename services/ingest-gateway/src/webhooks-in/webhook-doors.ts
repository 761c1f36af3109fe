/**
 * Signed posts from outside: the signature over the raw bytes first, then the contract, then the event and what follows
 * from it in one transaction. 202 = taken, 200 = a repeat; only a fault of ours makes the sender try again.
 */
import type { Codec } from '@lead-flood/kafka';
import { activeTraceparent, CodedError, invariant, toError } from '@lead-flood/kernel';
import type { Database, OutboxMessage } from '@lead-flood/postgres';
import { encodeEvent } from '@lead-flood/processor';
import type { HttpExchange, HttpRequest, HttpServer } from '@lead-flood/service';
import { addRoutes, nobody } from '@lead-flood/service';
import type { GatewayConfig } from '../config.ts';
import { contentTypes, readBody } from './body.ts';
import { findEventId } from './event-id.ts';
import { acceptEvent } from './event-store.ts';
import type { Meaning, Sender } from './sender.ts';
import { senders } from './senders.ts';
import type { Account } from './signature.ts';
import { verifySignature } from './signature.ts';

export type WebhookDeps = {
  readonly config: GatewayConfig;
  readonly database: Database;
  readonly codec: Codec;
  readonly wakeRelay: () => void;
  readonly now: () => number;
};

type Post = { readonly raw: Buffer; readonly eventId: string; readonly account: Account };

export function addWebhookDoors(server: HttpServer, deps: WebhookDeps, all: readonly Sender[] = senders): void {
  for (const sender of all)
    // A scope each: what one sender's bodies look like, and how large they may be, is no other's business.
    server.register((scope, _options, done) => {
      addSenderDoor(scope, deps, sender);
      done();
    });
}

function addSenderDoor(scope: HttpServer, deps: WebhookDeps, sender: Sender): void {
  const posts = new WeakMap<HttpRequest, Post>();
  const accounts = sender.accounts(deps.config);
  scope.removeAllContentTypeParsers();
  for (const kind of sender.bodies)
    scope.addContentTypeParser(
      [...contentTypes[kind]],
      { parseAs: 'buffer', bodyLimit: sender.bytesMax },
      (request, raw: Buffer, parsed) => {
        try {
          const { headers } = request;
          const account = verifySignature(signedPost(request, raw), sender.scheme, accounts, deps.now());
          const body = readBody[kind](raw);
          posts.set(request, { raw, account, eventId: findEventId(sender.eventId, { raw, headers, body }) });
          parsed(null, body);
        } catch (error) {
          parsed(toError(error));
        }
      },
    );
  addRoutes(
    scope,
    { [sender.name]: sender.route },
    {
      [sender.name]: async (
        { body, correlationId }: { body: unknown; correlationId: string },
        exchange: HttpExchange,
      ) => {
        const post = posts.get(exchange.request);
        invariant(post !== undefined, 'the body is read before the handler runs');
        const meaning = await sender.read({ ...post, body }, deps.config);
        return accept(deps, sender, post, meaning, correlationId, exchange);
      },
    },
    // Without a body no parser runs, and nobody has checked anything.
    (request) =>
      posts.has(request)
        ? Promise.resolve(nobody)
        : Promise.reject(new CodedError('IGW_ERR_SIGNATURE_MISSING', 'send a signed body')),
  );
}

function signedPost({ headers, params, protocol, host, originalUrl }: HttpRequest, raw: Buffer) {
  const { token } = (params ?? {}) as { readonly token?: string };
  return { raw, headers, url: `${protocol}://${host}${originalUrl}`, token: token ?? null };
}

async function accept(
  deps: WebhookDeps,
  { name }: Sender,
  { raw, eventId, account }: Post,
  meaning: Meaning,
  correlationId: string,
  { reply }: HttpExchange,
): Promise<{ status: Awaited<ReturnType<typeof acceptEvent>> }> {
  const events = meaning.outcome === 'accepted' ? meaning.events : [];
  const messages = events.map(({ id, ...event }): OutboxMessage =>
    encodeEvent(deps.codec, event, {
      cause: { id, orgId: event.data.orgId, correlationId, traceparent: activeTraceparent() },
      group: 'ingest-gateway',
      ordinal: 0,
      version: null,
    }),
  );
  const status = await acceptEvent(deps.database, {
    provider: name,
    account: account.orgId,
    eventId,
    orgId: events[0]?.data.orgId ?? (account.orgId === '' ? null : account.orgId),
    outcome: meaning.outcome,
    raw,
    messages,
  });
  if (status === 'duplicate') void reply.status(200);
  else deps.wakeRelay();
  return { status };
}
