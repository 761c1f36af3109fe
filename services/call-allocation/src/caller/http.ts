/** `/v1/callers`. */
import type { CallerView, callerRoutes, Handlers } from '@lead-flood/contracts';
import { CodedError, derivedId, randomId } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { sqlState } from '@lead-flood/postgres';
import type { Applier, Command } from '@lead-flood/processor';
import type { Caller } from './domain.ts';
import type { CallerCommands } from './processor.ts';
import { getCaller, listCallers } from './store.ts';

export type CallerDeps = { readonly database: Database; readonly applier: Applier<Caller, CallerCommands> };

export function callerHandlers({ database, applier }: CallerDeps): Handlers<typeof callerRoutes> {
  const apply = async (command: Command<CallerCommands>): Promise<CallerView> => {
    try {
      const { state } = await applier.apply(command);
      return toView(command.key, state);
    } catch (error) {
      // Another replica has given the address or the account away in the same moment.
      if (sqlState(error) !== '23505') throw error;
      throw new CodedError('CAL_ERR_CALLER_EXISTS', 'another caller has this e-mail address or user', { cause: error });
    }
  };
  return {
    createCaller: ({ body: caller, principal: { orgId }, correlationId, idempotencyKey }) => {
      const callerId = idempotencyKey === null ? randomId() : derivedId(orgId, 'caller', idempotencyKey);
      const data = { orgId, callerId, caller };
      return apply({ name: 'CreateCaller', key: callerId, orgId, correlationId, data });
    },
    listCallers: async ({ query, principal }) => {
      const { rows, nextCursor } = await listCallers(database, principal.orgId, query);
      return { items: rows.map(({ id, caller }) => toView(id, caller)), nextCursor };
    },
    getCaller: async ({ params: { callerId }, principal }) =>
      toView(callerId, await getCaller(database, principal.orgId, callerId)),
    updateCaller: ({ params: { callerId }, body: change, principal: { orgId }, correlationId }) => {
      const data = { orgId, callerId, change };
      return apply({ name: 'ChangeCaller', key: callerId, orgId, correlationId, data });
    },
  };
}

function toView(id: string, caller: Caller): CallerView {
  if (caller.kind !== 'caller') throw new CodedError('CAL_ERR_UNKNOWN_CALLER', 'there is no such caller');
  const { kind: _kind, createdAt, updatedAt, ...fields } = caller;
  return {
    id,
    ...fields,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}
