/** Puts the gateway together: one gate before all doors, then our own doors, then those of the other services. */
import cookie from '@fastify/cookie';
import { batchProcessor } from '@lead-flood/processor';
import { createRedis } from '@lead-flood/provider';
import type { Redis } from '@lead-flood/provider';
import type { Check, HttpServer, ServiceDeps, ServiceParts } from '@lead-flood/service';
import { addBrowserGuards, createPrincipalSigner, logError, shellOptions } from '@lead-flood/service';
import { createGate } from './access/gate.ts';
import { startAdmission } from './admission/admission.ts';
import { watchLine } from './admission/line-watch.ts';
import { createSingleLeads } from './admission/single-leads.ts';
import { createAccessTokens } from './auth/access-token.ts';
import { createApiKeys } from './auth/api-key.ts';
import { addAuthDoors } from './auth/auth-doors.ts';
import { createAuthenticator } from './auth/authenticator.ts';
import { isSessionLive } from './auth/session-store.ts';
import { findApiKey } from './auth/user-store.ts';
import type { GatewayConfig } from './config.ts';
import { startHousekeeping } from './housekeeping.ts';
import { addJobRoutes } from './jobs/http.ts';
import { jobClock, jobProcessor } from './jobs/processor.ts';
import { createPlaces } from './limits/places.ts';
import { createRateLimiter } from './limits/rate-limiter.ts';
import { createRequestLimits } from './limits/request-limits.ts';
import { createAdmissionMetrics } from './metrics.ts';
import { createIdempotency } from './proxy/idempotency.ts';
import { addOutboxDoor } from './outbox-door.ts';
import { addProxy, createForward } from './proxy/proxy.ts';
import { readYourWrite } from './proxy/read-your-write.ts';
import { createUpstreams } from './proxy/upstream.ts';
import { addSystemDoors } from './system-doors.ts';
import { addUploadDoors } from './uploads/upload-doors.ts';
import { addWebhookDoors } from './webhooks-in/webhook-doors.ts';

export async function createGateway(deps: ServiceDeps<GatewayConfig>, server: HttpServer): Promise<ServiceParts> {
  const { config, database, codec, log, wakeRelay } = deps;
  const { now } = deps.clock;
  const warn = (what: string) => (error: unknown) => {
    log.warn({ what, err: logError(error) }, `${what} failed`);
  };
  const redis =
    config.REDIS_URL === undefined
      ? null
      : createRedis(config.REDIS_URL, ({ level, message }) => log[level]({ what: 'redis' }, message));
  const limits = createRequestLimits(createRateLimiter(redis, now), config);
  const housekeeping = startHousekeeping(database, warn('housekeeping'));
  const tokens = createAccessTokens(config);
  const authenticate = createAuthenticator({
    tokens,
    apiKeys: createApiKeys({ find: (prefix) => findApiKey(database, prefix), onUsed: housekeeping.used, now }),
    isSessionLive: (sessionId) => isSessionLive(database, sessionId),
    csrfSecret: config.JWT_ACCESS_SECRET,
    now,
  });
  const gate = createGate({ authenticate, limits });
  const upstreams = createUpstreams(config);
  const forward = createForward(upstreams, createPrincipalSigner(config.PRINCIPAL_SECRET));
  const idempotency = createIdempotency(database, warn('idempotency'));

  await addBrowserGuards(server, config.CORS_ORIGINS);
  await server.register(cookie);
  gate.addTo(server);
  addSystemDoors(server, {
    config,
    readiness: deps.readiness,
    status: deps.status,
    extraChecks: redis === null ? [] : [redisCheck(redis)],
  });
  addAuthDoors(server, { config, database, tokens, authenticate, limits, gate });
  addOutboxDoor(server, { database, forward, gate });
  addJobRoutes(server, { database, applier: deps.applier(jobProcessor), forward, gate });
  const singleLeads = createSingleLeads(database, warn('a single lead'));
  const admission = startAdmission({
    database,
    watchLine: () => watchLine(deps.kafka, config.ADMISSION_GROUPS, warn('a look at the line')),
    perSecondMax: async () =>
      (await singleLeads.areComing())
        ? Math.min(config.ADMISSION_BESIDE_PER_SECOND_MAX, config.ADMISSION_PER_SECOND_MAX)
        : config.ADMISSION_PER_SECOND_MAX,
    wakeRelay,
    onError: warn('admission'),
    ...createAdmissionMetrics(deps.metrics),
  });
  const waitingMax = config.ADMISSION_WAITING_MAX;
  addUploadDoors(server, {
    config,
    database,
    codec,
    admission,
    now,
    waitingMax,
    areSinglesComing: singleLeads.areComing,
    idempotency,
    gate,
  });
  addWebhookDoors(server, { config, database, codec, wakeRelay, now });
  server.register((scope, _options, done) => {
    addProxy(scope, {
      forward,
      callerOf: gate.callerOf,
      idempotency,
      places: createPlaces(config.UPSTREAM_REQUESTS_MAX),
      onLead: singleLeads.note,
      special: readYourWrite({ forward, callerOf: gate.callerOf }),
    });
    done();
  });
  return {
    processors: [batchProcessor(jobProcessor, shellOptions(config)), batchProcessor(jobClock, shellOptions(config))],
    stop: async () => {
      await admission.stop();
      await housekeeping.stop();
      await upstreams.close();
      redis?.disconnect();
    },
  };
}

const redisCheck = (redis: Redis): Check => ({ name: 'redis', run: async () => void (await redis.ping()) });
