/** What has become of the messages of any service: our own from our tables, the others' from their doors. */
import { ApiError, outboxRoutes } from '@lead-flood/contracts';
import type { Database } from '@lead-flood/postgres';
import { readOutboxStates } from '@lead-flood/postgres';
import type { HttpServer } from '@lead-flood/service';
import { addRoutes } from '@lead-flood/service';
import type { Gate } from './access/gate.ts';
import type { Forward } from './proxy/proxy.ts';

export type OutboxDeps = { readonly database: Database; readonly forward: Forward; readonly gate: Gate };

export function addOutboxDoor(server: HttpServer, { database, forward, gate }: OutboxDeps): void {
  addRoutes(
    server,
    outboxRoutes,
    {
      listOutbox: async ({ query, principal }, { request }) => {
        const { service, status, limit } = query;
        if (service === 'ingest-gateway') return { items: await readOutboxStates(database, principal.orgId, query) };
        const wanted = new URLSearchParams({ limit: String(limit), ...(status === undefined ? {} : { status }) });
        const told = await forward(service, 'GET', `/internal/outbox?${wanted.toString()}`, {
          request,
          caller: gate.callerOf(request),
        });
        if (told.status !== 200) throw new ApiError('unavailable', `${service} does not say`);
        return outboxRoutes.listOutbox.answer.parse(JSON.parse(told.body.toString('utf8')));
      },
    },
    (request) => Promise.resolve(gate.callerOf(request).principal),
  );
}
