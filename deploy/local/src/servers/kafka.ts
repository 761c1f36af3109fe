// A Kafka broker: one KRaft node that is broker and controller, with topics made only by those who own them.
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { kafkaClassPath, kafkaVersion } from '../artifacts.ts';
import { cacheEntry } from '../cache.ts';
import type { Child } from '../child.ts';
import { runCommand } from '../command.ts';
import { findJava } from '../java.ts';
import type { Java } from '../java.ts';
import { freePort } from '../ports.ts';
import { spawnServer } from '../server.ts';
import type { Server, ServerOptions } from '../server.ts';
import { classArchive } from './class-archive.ts';

const startedLine = 'Kafka Server started';
const checkpoint = 'bootstrap.checkpoint';

export interface KafkaOptions extends ServerOptions {
  /**
   * `quick` (the default) stops at Java's first compiler: ready 0.8 s sooner, 25 MB less, and no second compiler at
   * work in the first minute (2.7 against 3.3 s of processor for the first 400,000 records of 500 bytes). `full` is for
   * long runs at the limit: once warm 135,000 records/s against 127,000 on two cores.
   */
  readonly compiler?: 'quick' | 'full';
}

export async function startKafka(options: KafkaOptions): Promise<Server> {
  const [classPath, java] = [await kafkaClassPath(options.log), await findJava(17, options.log)];
  const startedAt = performance.now();
  const home = join(options.directory, 'kafka');
  mkdirSync(home, { recursive: true });
  const properties = join(home, 'server.properties');
  const logging = join(home, 'log4j.properties');
  writeFileSync(properties, serverProperties(options.port, await freePort(), join(home, 'data')));
  writeFileSync(logging, loggingProperties);
  if (!existsSync(join(home, 'data', 'meta.properties'))) await format(home, java, classPath, options.log);
  const archive = classArchive('kafka', java, classPath);
  return spawnServer({
    ...options,
    name: 'kafka',
    address: `127.0.0.1:${options.port}`,
    startedAt,
    command: [
      java.path,
      '-Xmx384m',
      '-Xms128m',
      '-XX:+UseSerialGC',
      ...archive.flags,
      ...((options.compiler ?? 'quick') === 'quick' ? ['-XX:TieredStopAtLevel=1'] : []),
      `-Dlog4j.configuration=file:${logging}`,
      '-Djava.awt.headless=true',
      '-cp',
      classPath,
      'kafka.Kafka',
      properties,
    ],
    probe: (child) => probeKafka(child, options.port),
    endsInOrder: archive.writes,
    stopGraceMs: 30_000,
    afterStop: archive.keep,
  });
}

/**
 * Kafka's own format tool takes a second of Java for two small files. Its first result is kept in the cache and copied
 * from then on, with fresh ids; the rest (the feature levels of this Kafka version) is the same for every cluster.
 */
async function format(home: string, java: Java, classPath: string, log: (line: string) => void): Promise<void> {
  const template = await cacheEntry(`kafka-${kafkaVersion}-formatted`, async (draft) => {
    log('formatting a Kafka log directory (once) ...');
    const data = join(draft, 'data');
    const properties = join(draft, 'server.properties');
    writeFileSync(properties, serverProperties(await freePort(), await freePort(), data));
    await runCommand([
      java.path,
      '-Xmx128m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-cp',
      classPath,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      randomId(),
      '-c',
      properties,
    ]);
  });
  const data = join(home, 'data');
  mkdirSync(data, { recursive: true });
  copyFileSync(join(template, 'data', checkpoint), join(data, checkpoint));
  const ids = `node.id=1\nversion=1\ncluster.id=${randomId()}\ndirectory.id=${randomId()}\n`;
  writeFileSync(join(data, 'meta.properties'), ids); // last: its presence means formatted
}

/** A Kafka Uuid. One that begins with a dash would be taken for an option by Kafka's tools. */
function randomId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? randomId() : id;
}

async function probeKafka(child: Child, port: number): Promise<void> {
  // The port is open well before the broker has caught up with its own metadata: the log line is what says ready.
  if (!child.output().includes(startedLine)) throw new Error(`no "${startedLine}" in the log yet`);
  await new Promise<void>((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('error', reject);
    socket.once('connect', () => socket.end(resolve));
  });
}

function serverProperties(port: number, controllerPort: number, data: string): string {
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    // A static quorum of one: unlike a dynamic one it does not store the controller's port, which changes on restart.
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'log.dirs': data,
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // A broker that crashed and came back is let in only when its former self's session has ended (default 9 s).
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    'group.initial.rebalance.delay.ms': 0,
    // Tests of a consumer's death wait for its session to end.
    'group.min.session.timeout.ms': 1000,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'num.recovery.threads.per.data.dir': 1,
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    // Room for the test of a 2 MB record.
    'message.max.bytes': 4 * 1024 * 1024,
    'replica.fetch.max.bytes': 4 * 1024 * 1024,
  };
  return Object.entries(lines)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

const loggingProperties = `log4j.rootLogger=WARN, out
log4j.logger.kafka.server.KafkaRaftServer=INFO
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %m (%c)%n
`;
