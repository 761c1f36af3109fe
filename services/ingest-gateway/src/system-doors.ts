/** State of the process, and the description of all doors: as a document, and as a page for people outside production. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { allRoutes, openApi, systemRoutes } from '@lead-flood/contracts';
import { CodedError } from '@lead-flood/kernel';
import type {
  Check,
  HttpHandlers,
  HttpServer,
  PartitionFacts,
  Readiness,
  ServiceStatus,
  SharedConfig,
} from '@lead-flood/service';
import { addRoutes, collectFacts, diagnose, nobody, readiness } from '@lead-flood/service';
import type { GatewayConfig } from './config.ts';

export type SystemDeps = {
  readonly config: GatewayConfig & SharedConfig;
  readonly readiness: () => Promise<Readiness>;
  readonly status: () => Promise<ServiceStatus>;
  /** Looked at on S3's path only: without them we still serve (decision C-15). */
  readonly extraChecks: readonly Check[];
};

const VERSION = '1.0.0';
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

const page = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>Lead Flood</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
  <body><div id="swagger-ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body>
</html>`;
const start = "window.ui = SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true });";
const packaged = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
]);

export function addSystemDoors(server: HttpServer, deps: SystemDeps): void {
  addRoutes(server, systemRoutes, handlers(deps), () => Promise.resolve(nobody));
}

const withoutKey = (partition: PartitionFacts): PartitionFacts => ({
  ...partition,
  oldest: partition.oldest === null ? null : { ...partition.oldest, key: null },
});

/** The other services by their internal doors, ourselves from the inside: our own door tells clients no status. */
async function examine(config: SystemDeps['config'], status: SystemDeps['status']) {
  const others = Object.entries({
    discovery: config.DISCOVERY_URL,
    enrichment: config.ENRICHMENT_URL,
    scoring: config.SCORING_URL,
    outreach: config.OUTREACH_URL,
    'call-allocation': config.CALL_ALLOCATION_URL,
    analytics: config.ANALYTICS_URL,
  }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const [found, own] = await Promise.all([
    collectFacts({
      kafka: config.KAFKA_BROKERS,
      registry: config.SCHEMA_REGISTRY_URL,
      postgres: config.DATABASE_URL,
      redis: config.REDIS_URL,
      services: Object.fromEntries(others),
    }),
    status(),
  ]);
  const facts = {
    ...found,
    services: [...found.services, { service: own.service, status: own, detail: '' }],
    // A message's key is its organisation's business; an administrator here is one of any organisation.
    groups: found.groups.map((group) => ({ ...group, behind: group.behind.map(withoutKey) })),
  };
  const diagnosis = diagnose(facts);
  return { ...diagnosis, causes: [...diagnosis.causes], facts };
}

function handlers({ config, readiness: shared, status, extraChecks }: SystemDeps): HttpHandlers<typeof systemRoutes> {
  const described = { ...openApi(allRoutes, { version: VERSION, server: '/' }) };
  const folder = join(dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui')), 'static');
  const refuseInProduction = (): void => {
    if (config.APP_ENV === 'production') throw new CodedError('IGW_ERR_NO_DOCS', 'there is no such page here');
  };
  return {
    systemHealth: () => Promise.resolve({ status: 'ok' }),
    systemReady: async (_request, { reply }) => {
      const [ours, extra] = await Promise.all([shared(), readiness(extraChecks)]);
      const ready = ours.ready && extra.ready;
      void reply.status(ready ? 200 : 500);
      return { status: ready ? 'ready' : 'not_ready', db: ours.db, checks: { ...ours.checks, ...extra.checks } };
    },
    doctor: () => examine(config, status),
    openApiDocument: () => Promise.resolve(described),
    openApiDocumentAtRoot: () => Promise.resolve(described),
    docsPage: (_request, { reply }) => {
      refuseInProduction();
      void reply.type('text/html; charset=utf-8').header('content-security-policy', PAGE_POLICY);
      return Promise.resolve(page);
    },
    docsFile: async ({ params: { file } }, { reply }) => {
      refuseInProduction();
      const type = packaged.get(file);
      void reply.type(type ?? 'text/javascript; charset=utf-8');
      if (file === 'start.js') return start;
      if (type === undefined) throw new CodedError('IGW_ERR_NO_DOCS', 'there is no such file');
      return readFile(join(folder, file), 'utf8');
    },
  };
}
