/** Analytics' doors on a database of their own, as the gateway reaches them; events are applied without a broker. */
import { join } from 'node:path';
import type { Route } from '@lead-flood/contracts';
import {
  deadLetterRoutes,
  funnelRoutes,
  joinRoutes,
  leadJobRoutes,
  leadRoutes,
  uploadProgressRoutes,
} from '@lead-flood/contracts';
import { fixedClock } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { createUntypedApplier, untyped, silentTelemetry } from '@lead-flood/processor';
import {
  addServiceRoutes,
  createHttpServer,
  createLog,
  createMetrics,
  noTracing,
  createPrincipalSigner,
  principalHeader,
  sharedConfig,
} from '@lead-flood/service';
import type { TestEvent } from '@lead-flood/testing';
import { createTestDatabase, sampleOrg, testCodec, testEnvironment, testNow } from '@lead-flood/testing';
import { errorCodes } from '../src/errors.ts';
import { createFreshness } from '../src/freshness.ts';
import { handlers, internalHandlers } from '../src/http.ts';
import { createAnalytics } from '../src/processor.ts';

export const migrations = join(import.meta.dirname, '../migrations');
export const secret = 'a secret of at least thirty-two characters';

export type Caller = { readonly orgId?: string; readonly role?: string };
export type Told = { readonly status: number; readonly body: Record<string, unknown> };

export type Doors = {
  readonly database: Database;
  /** In the order given, in one or a few transactions. */
  readonly apply: (...events: readonly TestEvent[]) => Promise<void>;
  readonly ask: (path: string, caller?: Caller) => Promise<Told>;
  /** The answer, checked against the contract. */
  readonly answerOf: <R extends Route>(
    route: R,
    path: string,
    caller?: Caller,
  ) => Promise<ReturnType<R['answer']['parse']>>;
  readonly stop: () => Promise<void>;
};

export async function openDoors(): Promise<Doors> {
  const { database, drop } = await createTestDatabase({ schema: 'analytics', migrations });
  const clock = fixedClock(testNow);
  const freshness = createFreshness(clock);
  const applier = createUntypedApplier(untyped(createAnalytics(freshness)), {
    database,
    codec: await testCodec(),
    clock,
    wakeRelay: () => undefined,
    telemetry: silentTelemetry,
  });
  const config = sharedConfig.parse({
    ...testEnvironment(),
    PRINCIPAL_SECRET: secret,
    LOG_LEVEL: 'silent',
    APP_ENV: 'test',
  });
  const log = createLog('analytics', config);
  const server = createHttpServer({
    log,
    metrics: createMetrics('analytics', log, noTracing),
    tracing: noTracing,
    codes: errorCodes,
  });
  addServiceRoutes(
    server,
    joinRoutes(leadRoutes, funnelRoutes, deadLetterRoutes),
    handlers({ database, freshness, clock }),
    config,
  );
  addServiceRoutes(server, joinRoutes(leadJobRoutes, uploadProgressRoutes), internalHandlers(database), config);
  const sign = createPrincipalSigner(secret);

  const ask = async (path: string, { orgId = sampleOrg, role = 'member' }: Caller = {}): Promise<Told> => {
    const principal = await sign({ userId: 'user-1', orgId, role, scopes: ['read'] });
    const answer = await server.inject({ method: 'GET', url: path, headers: { [principalHeader]: principal } });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };
  return {
    database,
    ask,
    async apply(...events) {
      await Promise.all(
        events.map(({ name, data }) =>
          applier.apply({ name, key: 'key', orgId: data.orgId, correlationId: 'test', data }),
        ),
      );
    },
    async answerOf(route, path, caller) {
      const { status, body } = await ask(path, caller);
      if (status !== 200) throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
      return route.answer.parse(body) as ReturnType<(typeof route)['answer']['parse']>;
    },
    async stop() {
      await server.close();
      await drop();
    },
  };
}
