/**
 * The gate before every handler, as hooks, so that a refused request costs no body parsing:
 *
 *      address limit ─▶ credential ─▶ permission and scope ─▶ user or key limit ─▶ (body, handler)
 *
 * Probes pass without: a balancer that is refused would take the process out.
 */
import type { Route } from '@lead-flood/contracts';
import { invariant } from '@lead-flood/kernel';
import type { HttpReply, HttpRequest, HttpServer } from '@lead-flood/service';
import type { Authenticator } from '../auth/authenticator.ts';
import type { Caller } from '../auth/caller.ts';
import type { RequestLimits } from '../limits/request-limits.ts';
import { refuse, tellLimits } from '../limits/request-limits.ts';
import { assertAllowed } from './policy.ts';

const PROBES: ReadonlySet<string | undefined> = new Set(['/health', '/ready']);

export type Gate = {
  readonly addTo: (server: HttpServer) => void;
  /** Who passed; only for routes that are not public. */
  readonly callerOf: (request: HttpRequest) => Caller;
};

export function createGate(deps: { readonly authenticate: Authenticator; readonly limits: RequestLimits }): Gate {
  const callers = new WeakMap<HttpRequest, Caller>();

  async function pass(request: HttpRequest, reply: HttpReply): Promise<void> {
    if (PROBES.has(request.routeOptions.url)) return;
    const address = await deps.limits.ofAddress(request.ip);
    tellLimits(reply, [address]);
    if (!address.allowed) throw refuse();
    const route: Route | undefined = request.routeOptions.config.contract;
    if (route === undefined || route.permission === 'public') return;
    const caller = await deps.authenticate(request);
    assertAllowed(route, caller);
    const own = await deps.limits.ofCaller(caller);
    tellLimits(reply, [address, own]);
    if (!own.allowed) throw refuse();
    callers.set(request, caller);
  }

  return {
    addTo: (server) => {
      server.addHook('onRequest', pass);
    },
    callerOf: (request) => {
      const caller = callers.get(request);
      invariant(caller !== undefined, 'the gate has not seen this request');
      return caller;
    },
  };
}
