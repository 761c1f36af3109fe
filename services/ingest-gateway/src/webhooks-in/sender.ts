/**
 * What one sender is: where it posts, how it signs, by what its events are known, and what they mean here. A new one is
 * a file beside this one, a line in senders.ts and a route in the contracts.
 */
import type { EventName, Events, Route } from '@lead-flood/contracts';
import type { z } from 'zod';
import type { GatewayConfig } from '../config.ts';
import type { BodyKind } from './body.ts';
import type { EventIdSource } from './event-id.ts';
import type { Account } from './signature.ts';
import type { SignatureScheme } from './signature-schemes.ts';

type Inbound = 'CallReported' | 'ReplyReceived';

/** What follows from a post; `id` is that of the event, the same for the same post. */
export type Meaning =
  | {
      readonly outcome: 'accepted';
      readonly events: readonly {
        readonly [N in Inbound & EventName]: { name: N; id: string; data: Events[N] };
      }[Inbound][];
    }
  /** `ignored`: of a kind that we do not use. `unmatched`: it concerns nothing of ours. */
  | { readonly outcome: 'ignored' | 'unmatched' };

type Post<Body> = { readonly body: Body; readonly eventId: string; readonly account: Account };

export type Sender<Body = unknown> = {
  /** Stored with its events; never changed. */
  readonly name: string;
  /** Path, and the body's schema. A path that ends with `:token` is one of those that are signed by their path. */
  readonly route: Route;
  readonly bodies: readonly BodyKind[];
  /** The largest post, bytes. */
  readonly bytesMax: number;
  readonly eventId: EventIdSource;
  readonly scheme: SignatureScheme;
  readonly accounts: (config: GatewayConfig) => readonly Account[];
  /** Throws a CodedError for what is signed and wrong all the same. */
  readonly read: (post: Post<Body>, config: GatewayConfig) => Meaning | Promise<Meaning>;
};

/** Ties the type of what is read to the route's schema, which the door checks before. */
export const defineSender = <R extends Route & { readonly body: z.ZodType }>(
  sender: Sender<z.output<R['body']>> & { readonly route: R },
): Sender => ({ ...sender, read: (post, config) => sender.read(post as Post<z.output<R['body']>>, config) });
