// The local stack: Kafka, registry, Postgres and Redis as real servers, started together in one folder, gone together.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serverNames, toAddresses } from './addresses.ts';
import type { Addresses } from './addresses.ts';
import { startContainerServer } from './containers/container-server.ts';
import { LocalError } from './errors.ts';
import { abandonFolder, claimFolder, releaseFolder } from './leftovers.ts';
import { freePort, isFree } from './ports.ts';
import type { Server, ServerName, ServerOptions } from './server.ts';
import { startKafka } from './servers/kafka.ts';
import type { KafkaOptions } from './servers/kafka.ts';
import { startPostgres } from './servers/postgres.ts';
import { startRedis } from './servers/redis.ts';
import { startRegistry } from './servers/registry.ts';
import { onShutdown } from './shutdown.ts';
import { stackSource } from './stack-source.ts';

export const repositoryRoot = fileURLToPath(new URL('../../..', import.meta.url));
export const defaultDirectory = join(repositoryRoot, '.local', 'stack');

const usualPorts: Readonly<Record<ServerName, number>> = { kafka: 9092, registry: 8081, postgres: 5432, redis: 6379 };
const portAttemptsMax = 5;

export interface StackOptions {
  /** Data, logs and pid files; `.local/stack` of this clone unless given. One stack per folder. */
  readonly directory?: string;
  /** A port given here is used or the start fails. */
  readonly ports?: Partial<Readonly<Record<ServerName, number>>>;
  /** 9092, 8081, 5432 and 6379 where free; free ports otherwise and by default. */
  readonly preferUsualPorts?: boolean;
  readonly kafkaCompiler?: NonNullable<KafkaOptions['compiler']>;
  /** On top of what the local Postgres is set to. */
  readonly postgresSettings?: Readonly<Record<string, string>>;
  /** One line at a time: downloads and the like. Silent by default. */
  readonly log?: (line: string) => void;
  /** Called as each server becomes ready. */
  readonly onReady?: (server: Server) => void;
}

export interface Stack {
  readonly addresses: Addresses;
  /** The servers this stack started; none of them when the addresses came from the environment. */
  readonly servers: ReadonlyMap<ServerName, Server>;
  readonly startMs: Readonly<Partial<Record<ServerName, number>>>;
  readonly directory: string;
  /** Crashes the server and brings it back on the same port with the data it had (the registry keeps none). */
  restart(name: ServerName): Promise<Server>;
  /** Stops all servers and removes their data; the logs stay. May be called more than once. */
  stop(): Promise<void>;
}

/** Resolves when all four servers answer. When one fails the others are stopped again and its error is thrown. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const source = stackSource();
  if (source.kind === 'given') return foreignStack(source.addresses);
  const start: StartServer =
    source.kind === 'containers'
      ? (name, server) => startContainerServer(name, server, options.postgresSettings)
      : (name, server) => startProcessServer(name, server, options);
  const directory = options.directory ?? defaultDirectory;
  await claimFolder(directory);
  const servers = new Map<ServerName, Server>();
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    forget();
    stopping ??= stopServers([...servers.values()])
      .finally(() => releaseFolder(directory))
      .finally(() => process.off('exit', abandon));
    return stopping;
  };
  const abandon = (): void => abandonFolder(directory);
  process.once('exit', abandon);
  const forget = onShutdown('the local stack', stop);
  const started = await Promise.allSettled(
    serverNames.map(async (name) => {
      const server = await startOnSomePort(name, directory, options, start);
      servers.set(name, server);
      if (stopping) await server.kill(); // a signal came while it was starting
      options.onReady?.(server);
    }),
  );
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return {
    addresses: toAddresses((name) => serverOf(servers, name).address),
    servers,
    startMs: Object.fromEntries([...servers].map(([name, server]) => [name, server.startMs])),
    directory,
    restart: async (name) => {
      const { port } = serverOf(servers, name);
      await serverOf(servers, name).kill();
      const server = await start(name, { directory, port, log: options.log ?? silence });
      servers.set(name, server);
      return server;
    },
    stop,
  };
}

function foreignStack(addresses: Addresses): Stack {
  return {
    addresses,
    servers: new Map(),
    startMs: {},
    directory: defaultDirectory,
    restart: (name) => Promise.reject(new Error(`${name} was not started here: its address is in the environment`)),
    stop: () => Promise.resolve(),
  };
}

type StartServer = (name: ServerName, server: ServerOptions) => Promise<Server>;

async function startOnSomePort(
  name: ServerName,
  directory: string,
  options: StackOptions,
  start: StartServer,
): Promise<Server> {
  const log = options.log ?? silence;
  const fixed = options.ports?.[name];
  if (fixed !== undefined) return start(name, { directory, port: fixed, log });
  const usual = usualPorts[name];
  let port = options.preferUsualPorts === true && (await isFree(usual)) ? usual : await freePort();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(name, { directory, port, log });
    } catch (error) {
      const taken = error instanceof LocalError && error.code === 'LOCAL_ERR_PORT_TAKEN';
      if (!taken || attempt === portAttemptsMax) throw error;
      log(`${name}: port ${port} was taken meanwhile, trying another`);
      port = await freePort();
    }
  }
}

function startProcessServer(name: ServerName, server: ServerOptions, options: StackOptions): Promise<Server> {
  switch (name) {
    case 'kafka':
      return startKafka({ ...server, ...(options.kafkaCompiler && { compiler: options.kafkaCompiler }) });
    case 'registry':
      return startRegistry(server);
    case 'postgres':
      return startPostgres(server, options.postgresSettings);
    case 'redis':
      return startRedis(server);
  }
}

/** The data are thrown away, so nothing is gained by an orderly end, except where a class archive is still to be written. */
async function stopServers(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => (server.endsInOrder ? server.stop() : server.kill())));
}

function serverOf(servers: ReadonlyMap<ServerName, Server>, name: ServerName): Server {
  const server = servers.get(name);
  if (!server) throw new Error(`${name} is not part of this stack`);
  return server;
}

function silence(): void {}
