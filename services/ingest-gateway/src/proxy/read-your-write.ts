/**
 * A client can always read what it wrote (GW-08): while the read model has not caught up, the owner of the fact is asked
 * instead.
 */
import { leadRoutes } from '@lead-flood/contracts';
import type { HttpRequest } from '@lead-flood/service';
import { parse } from '@lead-flood/service';
import type { Caller } from '../auth/caller.ts';
import type { Forward } from './proxy.ts';
import type { UpstreamAnswer } from './upstream.ts';

export type ReadDeps = {
  readonly forward: Forward;
  readonly callerOf: (request: HttpRequest) => Caller;
};

export function readYourWrite({ forward, callerOf }: ReadDeps) {
  const firstOf = async (request: HttpRequest, path: string, internalPath: string): Promise<UpstreamAnswer> => {
    const from = { request, caller: callerOf(request) };
    const read = await forward('analytics', 'GET', path, from);
    return read.status === 404 ? forward('discovery', 'GET', internalPath, from) : read;
  };

  return {
    getLead: (request: HttpRequest): Promise<UpstreamAnswer> => {
      const { leadId } = parse(leadRoutes.getLead.params, request.params, 'params') as { leadId: string };
      return firstOf(request, `/v1/leads/${leadId}`, `/internal/leads/${leadId}`);
    },
  };
}
