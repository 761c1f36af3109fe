// The product on a running stack: topics, schemas, the sandbox, seven services as seven processes, and the demo's seed.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { topics } from '@lead-flood/contracts';
import { createKafkaClient, createTopics, registerSchemas } from '@lead-flood/kafka';
import { freePort, isFree } from './ports.ts';
import type { Seeds } from './seeds.ts';
import { seedDemo } from './seeds.ts';
import type { Stack } from './stack.ts';
import { repositoryRoot } from './stack.ts';
import type { ManagedProcess } from './supervisor.ts';
import { startProcess } from './supervisor.ts';

export const serviceNames = [
  'discovery',
  'enrichment',
  'scoring',
  'outreach',
  'call-allocation',
  'analytics',
  'ingest-gateway',
] as const;
export type ServiceName = (typeof serviceNames)[number];

const readyTimeoutMs = 60_000;
const usualApiPort = 5050;

export interface ProductOptions {
  readonly stack: Stack;
  readonly preferUsualPorts?: boolean;
  readonly onReady?: (name: string, detail: string) => void;
  /** On top of what the product sets, for every service. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Product {
  readonly gateway: string;
  readonly sandbox: string;
  readonly mail: string;
  readonly seeds: Seeds;
  readonly secrets: Readonly<{ mail: string; yay: string }>;
  readonly processes: ReadonlyMap<string, ManagedProcess>;
  /** Address of each service's metrics and readiness. */
  readonly operations: Readonly<Record<ServiceName, string>>;
  /** One more process of a service, on ports of its own; it ends with the product at the latest. */
  replica(name: ServiceName): Promise<ManagedProcess>;
  stop(): Promise<void>;
}

type Ports = Readonly<Record<ServiceName, { http: number; operations: number }>>;

const node = join(repositoryRoot, 'node_modules', '.bin', 'node');
/** Sources compiled once, types stripped: a start takes half the time, and a process without the stripper 25 MB less. */
const compileCache = join(repositoryRoot, '.local', 'compile-cache');
const secret = (): string => randomBytes(32).toString('hex');
const variableOf = (name: ServiceName): string => `${name.toUpperCase().replaceAll('-', '_')}_URL`;

export async function startProduct(options: ProductOptions): Promise<Product> {
  const { stack } = options;
  mkdirSync(stack.directory, { recursive: true });
  const client = createKafkaClient({
    brokers: stack.addresses.kafka.split(','),
    clientId: 'deploy',
    log: () => undefined,
  });
  await Promise.all([createTopics(client, Object.values(topics)), registerSchemas(stack.addresses.registry)]);
  const processes = new Map<string, ManagedProcess>();
  const secrets = { mail: secret(), yay: secret() };
  const sandboxPorts = { http: await freePort(), smtp: await freePort() };
  const ports = await choosePorts(options.preferUsualPorts ?? false);
  const env = { ...sharedEnvironment(stack, ports, sandboxPorts, secrets), ...options.env };

  const start = createLauncher(options, env, processes);
  const startService = (
    name: ServiceName,
    at: { http: number; operations: number } = ports[name],
    as: string = name,
  ): Promise<ManagedProcess> =>
    start(
      as,
      `services/${name}/src/main.ts`,
      { HTTP_PORT: String(at.http), API_PORT: String(at.http), METRICS_PORT: String(at.operations) },
      `http://127.0.0.1:${at.operations}/ready`,
    );
  let replicas = 0;

  const sandbox = `http://127.0.0.1:${sandboxPorts.http}`;
  await start(
    'sandbox',
    'test/sandbox/src/main.ts',
    {
      SANDBOX_PORT: String(sandboxPorts.http),
      SANDBOX_SMTP_PORT: String(sandboxPorts.smtp),
      SANDBOX_LOG_FILE: join(stack.directory, 'sandbox-accepted.ndjson'),
    },
    `${sandbox}/health`,
  );
  await Promise.all(serviceNames.map((name) => startService(name)));
  const seeds = await seedDemo(stack.addresses.postgres);
  return {
    gateway: `http://127.0.0.1:${ports['ingest-gateway'].http}`,
    sandbox,
    mail: `smtp://127.0.0.1:${sandboxPorts.smtp}`,
    seeds,
    secrets,
    processes,
    operations: Object.fromEntries(
      serviceNames.map((name) => [name, `http://127.0.0.1:${ports[name].operations}`]),
    ) as Product['operations'],
    replica: async (name) => {
      replicas += 1;
      const at = { http: await freePort(), operations: await freePort() };
      return startService(name, at, `${name}-replica-${replicas}`);
    },
    stop: async () => {
      await Promise.all([...processes.values()].map((process) => process.stop()));
    },
  };
}

type Launch = (name: string, main: string, own: Record<string, string>, readyUrl: string) => Promise<ManagedProcess>;

/** Starts programs of ours with the environment that all of them have in common, each with a log file of its own. */
function createLauncher(
  { stack, onReady = () => undefined }: ProductOptions,
  env: Readonly<Record<string, string>>,
  processes: Map<string, ManagedProcess>,
): Launch {
  return async (name, main, own, readyUrl) => {
    const process = await startProcess({
      name,
      command: [node, join(repositoryRoot, main)],
      env: { ...withoutNode(), NODE_COMPILE_CACHE: compileCache, ...env, ...own },
      logFile: join(stack.directory, `${name}.log`),
      readyUrl,
      readyTimeoutMs,
      cwd: repositoryRoot,
    });
    processes.set(name, process);
    onReady(name, `${(process.readyMs / 1000).toFixed(1)} s`);
    return process;
  };
}

async function choosePorts(preferUsual: boolean): Promise<Ports> {
  const entries: [ServiceName, { http: number; operations: number }][] = [];
  for (const name of serviceNames) {
    const usual = name === 'ingest-gateway' && preferUsual && (await isFree(usualApiPort));
    entries.push([name, { http: usual ? usualApiPort : await freePort(), operations: await freePort() }]);
  }
  return Object.fromEntries(entries) as Ports;
}

/** Our own process may run under npm or a test runner, whose variables are none of a service's business. */
function withoutNode(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_OPTIONS|NODE_ENV|PORT$|API_PORT$)/.test(name)),
  );
}

function sharedEnvironment(
  stack: Stack,
  ports: Ports,
  sandbox: { http: number; smtp: number },
  secrets: Product['secrets'],
): Record<string, string> {
  const { kafka, registry, postgres, redis } = stack.addresses;
  const provider = (path: string): string => `http://127.0.0.1:${sandbox.http}/${path}`;
  return {
    APP_ENV: 'local',
    LOG_LEVEL: 'info',
    KAFKA_BROKERS: kafka,
    SCHEMA_REGISTRY_URL: registry,
    DATABASE_URL: postgres,
    REDIS_URL: redis,
    PRINCIPAL_SECRET: secret(),
    JWT_ACCESS_SECRET: secret(),
    AUTH_DEV_TOKEN_MINT: 'true',
    MAIL_WEBHOOK_SECRET: secrets.mail,
    MAIL_THREAD_SECRET: secret(),
    YAY_WEBHOOK_SECRET: secrets.yay,
    // One machine plays all clients here: limits meant for many would only measure themselves.
    IP_LIMIT: '100000000',
    RATE_LIMIT_RPM: '100000000',
    PLAN_LIMIT_ENTERPRISE: '100000000',
    AUTH_ATTEMPTS_MAX: '10000',
    ENRICHMENT_PRIVATE_PROVIDERS: 'true',
    ENRICHMENT_BREAKER_RESET_MS: '2000',
    // The sandbox's outages are short and meant to be seen: waits for real providers would hide them.
    ENRICHMENT_RETRY_BASE_MS: '100',
    // The sandbox has no windows, and the line is measured against it.
    APOLLO_API_KEY: 'demo-apollo',
    APOLLO_BASE_URL: provider('apollo'),
    APOLLO_PER_MINUTE: '0',
    HUNTER_API_KEY: 'demo-hunter',
    HUNTER_BASE_URL: provider('hunter'),
    HUNTER_PER_SECOND: '0',
    HUNTER_PER_MINUTE: '0',
    PEOPLEDATALABS_API_KEY: 'demo-pdl',
    PEOPLEDATALABS_BASE_URL: provider('pdl'),
    PEOPLEDATALABS_PER_MINUTE: '0',
    OUTREACH_PRIVATE_PROVIDERS: 'true',
    SMTP_URL: `smtp://127.0.0.1:${sandbox.smtp}`,
    MAIL_FROM: 'team@demo.lead-flood.example',
    MAIL_FROM_NAME: 'Lead Flood demo',
    TRENGO_API_KEY: 'demo-trengo',
    TRENGO_BASE_URL: provider('trengo'),
    ...Object.fromEntries(serviceNames.map((name) => [variableOf(name), `http://127.0.0.1:${ports[name].http}`])),
  };
}
