// A server of the stack in a container: started by Testcontainers from the image that docker-compose.yml names.
import { setTimeout as delay } from 'node:timers/promises';
import type { StartedTestContainer } from 'testcontainers';
import { createKafkaClient } from '@lead-flood/kafka';
import { LocalError } from '../errors.ts';
import type { Server, ServerName, ServerOptions } from '../server.ts';
import { pingRedis } from '../servers/redis.ts';
import { postgresSettings, selectOne } from '../servers/postgres.ts';
import { askRegistry, confluentPath } from '../servers/registry.ts';
import type { ComposeServer } from './compose-server.ts';
import { readComposeServer } from './compose-server.ts';

const READY_MS = 120_000;

/** On top of the compose file's: tests of a consumer's death wait for its session to end, and restart the broker. */
const testSettings: Readonly<Partial<Record<ServerName, Readonly<Record<string, string>>>>> = {
  kafka: {
    KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000',
    KAFKA_BROKER_SESSION_TIMEOUT_MS: '3000',
    KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: '500',
  },
};

/** Where a client on this machine finds it, and how it is asked whether it answers. */
const protocols: Readonly<
  Record<ServerName, (port: number, of: ComposeServer) => { address: string; probe: () => Promise<void> }>
> = {
  kafka: (port) => ({ address: `127.0.0.1:${port}`, probe: () => askBroker(port) }),
  registry: (port) => {
    const address = `http://127.0.0.1:${port}${confluentPath}`;
    return { address, probe: () => askRegistry(address) };
  },
  postgres: (port, { environment: { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } }) => {
    const address = `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@127.0.0.1:${port}/${POSTGRES_DB}`;
    return { address, probe: () => selectOne(address) };
  },
  redis: (port) => ({ address: `redis://127.0.0.1:${port}`, probe: () => pingRedis(port) }),
};

/** Crashed and not removed, by folder and name: a restart finds the data that they had. */
const crashed = new Map<string, StartedTestContainer>();

export async function startContainerServer(
  name: ServerName,
  { directory, port, log }: ServerOptions,
  more: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const startedAt = performance.now();
  const engine = await findEngine();
  const compose = readComposeServer(name, port);
  const { address, probe } = protocols[name](port, compose);
  const at = `${directory}/${name}`;
  log(`${name}: a container from ${compose.image}`);
  const former = crashed.get(at);
  crashed.delete(at);
  const started = former ?? (await create(name, compose, port, name === 'postgres' ? more : {}));
  const container = engine.container.getById(started.getId());
  if (former !== undefined) await container.start();
  await becomeReady(name, probe);
  const exited = container.wait().then((end: unknown) => ({ code: statusOf(end), signal: null }));
  // Nobody has to ask; whoever does hears of it.
  exited.catch(() => undefined);
  return {
    name,
    address,
    port,
    pid: (await container.inspect()).State.Pid,
    startMs: Math.round(performance.now() - startedAt),
    exited,
    // What is not stopped in order stays behind for a restart, until Testcontainers' own reaper removes it.
    endsInOrder: true,
    ready: () =>
      probe().then(
        () => true,
        () => false, // the answer to the question asked: why not is in the container's own log
      ),
    stop: async () => {
      await started.stop({ remove: true, removeVolumes: true });
    },
    kill: async () => {
      await container.kill();
      crashed.set(at, started);
    },
  };
}

/** LOCAL_ERR_NO_CONTAINERS where none answers. Imported late: nobody else pays for it. */
async function findEngine() {
  const { getContainerRuntimeClient } = await import('testcontainers');
  try {
    return await getContainerRuntimeClient();
  } catch (error) {
    throw new LocalError(
      'LOCAL_ERR_NO_CONTAINERS',
      'STACK=containers, and no container engine answers (DOCKER_HOST, or the usual sockets of Docker and Podman): start one, or leave STACK away',
      { cause: error },
    );
  }
}

async function create(
  name: ServerName,
  { image, environment, command, port: inside }: ComposeServer,
  port: number,
  more: Readonly<Record<string, string>>,
): Promise<StartedTestContainer> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const flags = Object.entries({ ...postgresSettings, ...more }).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  const container = new GenericContainer(image)
    .withEnvironment({ ...environment, ...testSettings[name] })
    // Kafka finds its own controller by the name that the compose file gives it.
    .withHostname(name)
    .withExposedPorts({ container: inside, host: port })
    // Each is asked by its own protocol afterwards, which says more than an open port.
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(READY_MS);
  const words = name === 'postgres' ? [...command, ...flags] : command;
  try {
    return await (words.length === 0 ? container : container.withCommand([...words])).start();
  } catch (error) {
    const isTaken = error instanceof Error && /already allocated|address already in use/i.test(error.message);
    const code = isTaken ? 'LOCAL_ERR_PORT_TAKEN' : 'LOCAL_ERR_EXITED_EARLY';
    throw new LocalError(code, `${name} on port ${port}: ${String(error)}`, { cause: error });
  }
}

async function becomeReady(name: ServerName, probe: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    try {
      await probe();
      return;
    } catch (error) {
      if (performance.now() > deadline)
        throw new LocalError('LOCAL_ERR_NOT_READY', `${name} not ready within ${READY_MS} ms: ${String(error)}`, {
          cause: error,
        });
      await delay(100);
    }
  }
}

async function askBroker(port: number): Promise<void> {
  const client = createKafkaClient({ brokers: [`127.0.0.1:${port}`], clientId: 'ready', log: () => undefined });
  const admin = client.admin();
  try {
    await admin.connect();
    await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

const statusOf = (end: unknown): number | null =>
  typeof end === 'object' && end !== null && 'StatusCode' in end && typeof end.StatusCode === 'number'
    ? end.StatusCode
    : null;
